#include "short_search.h"

#include <algorithm>
#include <array>

#include "search_kernels.h"
#include "vetquant/core/transpose.h"
#include "vetquant/quant/log_scale.h"

namespace vetquant {
namespace {

constexpr size_t kLanes = kernels::kSearchLanes;
constexpr double kLeastKeep = 0.30, kMostKeep = 1.06;  // that the search tries

// The search knows no grid: what it found is moved to the nearest value of it, which may be worse than the whole range.
void move_to_grid(const kernels::CodeRule& rule, const kernels::LaneSearch& search, std::array<float, kLanes>& best) {
  const auto grid = log8_grid();
  std::array<float, kLanes> nearest;
  std::transform(best.begin(), best.end(), nearest.begin(),
                 [&](float scale) { return grid[log8_code(double{scale})]; });
  kernels::choose_lanes(rule, search, nearest.data(), best.data());
}

}  // namespace

bool searches_short(const QuantSpec& spec, int64_t length) {
  const bool float_zero = spec.symmetry == Symmetry::kAsymmetric && spec.zero_point == ZeroPointKind::kFloat;
  return length <= kLongestShortGroup && !float_zero;
}

bool is_ordinary(const QuantSpec& spec, float scale) {
  const bool half = spec.scale_type == ScaleType::kFloat16;
  const bool grid = spec.scale_type == ScaleType::kLog8;
  const double least = half ? 0x1p-14 : 1e-30, most = half ? 65504 : grid ? 0x1p24 : 1e30;
  return double{scale} * kLeastKeep > least && double{scale} * kMostKeep < most;
}

void search_short(const QuantSpec& spec, std::span<const float> values, int64_t length,
                  std::span<const ScaleAndZero> whole, std::span<ScaleAndZero> found) {
  const kernels::CodeRule rule(spec);
  const size_t run = static_cast<size_t>(length);
  alignas(64) std::array<float, static_cast<size_t>(kLongestShortGroup) * kLanes> interleaved;
  for (size_t first = 0; first < whole.size(); first += kLanes) {
    const size_t count = std::min(kLanes, whole.size() - first);
    if (count < kLanes) std::fill_n(interleaved.begin(), run * kLanes, 0.0f);
    transpose(values.data() + first * run, static_cast<ptrdiff_t>(run), interleaved.data(), kLanes, count, run);
    std::array<float, kLanes> scale, zero_point, best;
    for (size_t g = 0; g < kLanes; ++g) {
      scale[g] = whole[first + std::min(g, count - 1)].scale;
      zero_point[g] = whole[first + std::min(g, count - 1)].zero_point;
    }
    const kernels::LaneSearch search{.interleaved = interleaved.data(),
                                     .length = run,
                                     .whole = scale.data(),
                                     .zero_point = zero_point.data(),
                                     .half_scales = spec.scale_type == ScaleType::kFloat16};
    kernels::search_lanes(rule, search, best.data());
    if (spec.scale_type == ScaleType::kLog8) move_to_grid(rule, search, best);
    for (size_t g = 0; g < count; ++g) found[first + g] = {best[g], zero_point[g]};
  }
}

}  // namespace vetquant
