#include "short_search.h"

#include <algorithm>
#include <array>
#include <limits>

#include "search_kernels.h"
#include "vetquant/core/half.h"
#include "vetquant/core/transpose.h"

namespace vetquant {
namespace {

constexpr size_t kLanes = kernels::kSearchLanes;
// Shares of the whole range, falling; a group's search ends where two in a row are worse than its best.
constexpr double kCoarse[] = {1, 0.92, 0.84, 0.76, 0.68, 0.60, 0.52, 0.44, 0.36};
// Beyond 1 too: a slightly wider grid may fit the values better than one that just reaches the largest.
constexpr double kFine[] = {-0.06, -0.04, -0.02, 0.02, 0.04, 0.06};
constexpr double kLeastKeep = 0.30, kMostKeep = 1.06;
// Quotients are off by 2^-22 of a code of at most 2^8, which turns a sum of squares by less than a thousandth, and one of
// codes that are all but exact by less than 1e-8 a value.
constexpr double kMargin = 1e-3, kMarginPerValue = 1e-8;

// Sixteen groups side by side.
class Lanes {
 public:
  Lanes(const QuantSpec& spec, std::span<const float> values, size_t length, std::span<const ScaleAndZero> whole)
      : rule_(spec), scale_type_(spec.scale_type), length_(length), whole_(whole) {
    transpose(values.data(), static_cast<ptrdiff_t>(length), interleaved_.data(), kLanes, whole.size(), length);
    for (size_t g = 0; g < kLanes; ++g) {
      zero_point_[g] = whole[std::min(g, whole.size() - 1)].zero_point;
      for (size_t i = 0; g >= whole.size() && i < length; ++i) interleaved_[i * kLanes + g] = 0;
    }
  }

  void search(std::span<ScaleAndZero> found) {
    coarse();
    const std::array<double, kLanes> middle = keep_;
    for (const double step : kFine) {
      std::array<double, kLanes> keep;
      for (size_t g = 0; g < kLanes; ++g) keep[g] = middle[g] + step;
      evaluate(keep);
      for (size_t g = 0; g < kLanes; ++g) take_better(g, keep[g]);
    }
    for (size_t g = 0; g < whole_.size(); ++g) {
      const double unit = double{whole_[g].scale} * whole_[g].scale;
      const double wrong = kMargin * best_[g] + kMarginPerValue * static_cast<double>(length_) * unit;
      found[g] = best_[g] + wrong < first_[g] ? ScaleAndZero{best_scale_[g], zero_point_[g]} : whole_[g];
    }
  }

 private:
  void coarse() {
    std::array<int, kLanes> worse{};
    best_.fill(std::numeric_limits<double>::infinity());
    for (const double share : kCoarse) {
      std::array<double, kLanes> keep;
      keep.fill(share);
      evaluate(keep);
      bool searching = false;
      for (size_t g = 0; g < kLanes; ++g) {
        if (worse[g] == 2) continue;
        worse[g] = take_better(g, share) ? 0 : worse[g] + 1;
        searching |= worse[g] < 2 && g < whole_.size();
      }
      if (share == 1) first_ = best_;
      if (!searching) return;
    }
  }

  // Sets scale_ and error_ of every lane.
  void evaluate(const std::array<double, kLanes>& keep) {
    for (size_t g = 0; g < kLanes; ++g)
      scale_[g] = static_cast<float>(double{whole_[std::min(g, whole_.size() - 1)].scale} * keep[g]);
    if (scale_type_ == ScaleType::kFloat16) {
      std::array<uint16_t, kLanes> halves;
      floats_to_halves(scale_, Overflow::kClamp, halves);
      halves_to_floats(halves, scale_);
    }
    kernels::lane_errors(rule_, interleaved_.data(), length_, scale_.data(), zero_point_.data(), error_.data());
  }

  bool take_better(size_t g, double keep) {
    const double error = double{error_[g]} * (double{scale_[g]} * double{scale_[g]});
    if (!(error < best_[g])) return false;
    best_[g] = error;
    best_scale_[g] = scale_[g];
    keep_[g] = keep;
    return true;
  }

  kernels::CodeRule rule_;
  ScaleType scale_type_;
  size_t length_;
  std::span<const ScaleAndZero> whole_;
  alignas(64) std::array<float, static_cast<size_t>(kLongestShortGroup) * kLanes> interleaved_;
  std::array<float, kLanes> scale_, zero_point_, error_, best_scale_;
  std::array<double, kLanes> best_, first_, keep_;
};

}  // namespace

bool searches_short(const QuantSpec& spec, int64_t length) {
  const bool float_zero = spec.symmetry == Symmetry::kAsymmetric && spec.zero_point == ZeroPointKind::kFloat;
  return length <= kLongestShortGroup && !float_zero;
}

bool is_ordinary(const QuantSpec& spec, float scale) {
  const bool half = spec.scale_type == ScaleType::kFloat16;
  const double least = half ? 0x1p-14 : 1e-30, most = half ? 65504 : 1e30;
  return double{scale} * kLeastKeep > least && double{scale} * kMostKeep < most;
}

void search_short(const QuantSpec& spec, std::span<const float> values, int64_t length,
                  std::span<const ScaleAndZero> whole, std::span<ScaleAndZero> found) {
  const size_t run = static_cast<size_t>(length);
  for (size_t g = 0; g < whole.size(); g += kLanes) {
    const size_t count = std::min(kLanes, whole.size() - g);
    Lanes lanes(spec, values.subspan(g * run, count * run), run, whole.subspan(g, count));
    lanes.search(found.subspan(g, count));
  }
}

}  // namespace vetquant
