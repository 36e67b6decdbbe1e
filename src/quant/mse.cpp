// Clipping search: the range is shrunk step by step, and the one with the least squared error is taken (the idea of OMSE,
// Choukroun et al. 2019, on a fixed grid). The whole range is among the candidates, so the result is never worse than rtn.
#include <array>
#include <vector>

#include "builtin.h"
#include "fit.h"

namespace vetquant {
namespace {

constexpr int kCandidates = 16;
constexpr double kStep = 0.03;  // ranges of 100 %, 97 %, ... 55 %

// Squared errors are summed in this many lanes, combined in fixed order: the same for every way of computing them.
constexpr size_t kLanes = 16;

struct Candidate {
  ScaleAndZero parameters;
  double error = 0;
};

double squared_error(const QuantSpec& spec, std::span<const float> values, const ScaleAndZero& p) {
  const float low = static_cast<float>(code_min(spec)), high = static_cast<float>(code_max(spec));
  const bool float_zero = spec.zero_point == ZeroPointKind::kFloat;
  std::array<double, kLanes> lanes{};
  for (size_t i = 0; i < values.size(); ++i) {
    const float w = values[i];
    float code = float_zero ? std::nearbyint(w / p.scale + p.zero_point) : std::nearbyint(w / p.scale) + p.zero_point;
    code = code < low ? low : (code > high ? high : code);
    const float error = w - p.scale * (code - p.zero_point);
    lanes[i % kLanes] += static_cast<double>(error) * static_cast<double>(error);
  }
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

std::vector<Candidate> candidates_of(const QuantSpec& spec, const Extremes& extremes) {
  std::vector<Candidate> all(kCandidates);
  for (int i = 0; i < kCandidates; ++i) {
    const double keep = 1 - kStep * i;
    double low = extremes.min * keep, high = extremes.max * keep;
    if (spec.symmetry == Symmetry::kAsymmetric && spec.zero_point == ZeroPointKind::kFloat) {
      const double middle = (double{extremes.min} + extremes.max) / 2, half = (double{extremes.max} - extremes.min) / 2;
      low = middle - half * keep;
      high = middle + half * keep;
    }
    all[static_cast<size_t>(i)].parameters = scale_for(spec, low, high);
  }
  return all;
}

ScaleAndZero best_of(const std::vector<Candidate>& all) {
  const Candidate* best = &all.front();
  for (const Candidate& candidate : all) {
    if (candidate.error < best->error) best = &candidate;
  }
  return best->parameters;
}

class Mse : public Algorithm {
 public:
  std::string_view name() const override { return "mse"; }

  void fit(const QuantSpec& spec, std::span<const float> values, int64_t length, std::span<float> scale,
           std::span<float> zero_point) const override {
    for (size_t group = 0; group < scale.size(); ++group) {
      const auto own = values.subspan(group * static_cast<size_t>(length), static_cast<size_t>(length));
      Extremes extremes;
      extremes.add(own);
      if (!extremes.finite()) fail_not_finite(group);
      std::vector<Candidate> all = candidates_of(spec, extremes);
      for (Candidate& candidate : all) candidate.error = squared_error(spec, own, candidate.parameters);
      const ScaleAndZero found = best_of(all);
      scale[group] = found.scale;
      zero_point[group] = found.zero_point;
    }
  }

  void fit_streamed(const QuantSpec& spec, const ReplayValues& replay, float& scale, float& zero_point) const override {
    Extremes extremes;
    replay([&](std::span<const float> piece) { extremes.add(piece); });
    if (!extremes.finite()) fail_not_finite(0);
    std::vector<Candidate> all = candidates_of(spec, extremes);
    replay([&](std::span<const float> piece) {
      for (Candidate& candidate : all) candidate.error += squared_error(spec, piece, candidate.parameters);
    });
    const ScaleAndZero found = best_of(all);
    scale = found.scale;
    zero_point = found.zero_point;
  }
};

}  // namespace

std::shared_ptr<const Algorithm> make_mse() { return std::make_shared<Mse>(); }

}  // namespace vetquant
