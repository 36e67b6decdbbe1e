#include "short_search.h"

#include <algorithm>
#include <array>

#include "search_kernels.h"
#include "vetquant/core/transpose.h"

namespace vetquant {
namespace {

constexpr size_t kLanes = kernels::kSearchLanes;
constexpr double kLeastKeep = 0.30, kMostKeep = 1.06;  // that the search tries

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

void search_short(const QuantSpec& spec, std::span<const float> values, int64_t length, std::span<float> scale,
                  std::span<const float> zero_point) {
  const kernels::CodeRule rule(spec);
  const size_t run = static_cast<size_t>(length);
  alignas(64) std::array<float, static_cast<size_t>(kLongestShortGroup) * kLanes> interleaved;
  for (size_t first = 0; first < scale.size(); first += kLanes) {
    const size_t count = std::min(kLanes, scale.size() - first);
    if (count < kLanes) std::fill_n(interleaved.begin(), run * kLanes, 0.0f);
    transpose(values.data() + first * run, static_cast<ptrdiff_t>(run), interleaved.data(), kLanes, count, run);
    std::array<float, kLanes> whole, zero, best;
    for (size_t g = 0; g < kLanes; ++g) {
      whole[g] = scale[first + std::min(g, count - 1)];
      zero[g] = zero_point[first + std::min(g, count - 1)];
    }
    const kernels::LaneSearch search{.interleaved = interleaved.data(),
                                     .length = run,
                                     .whole = whole.data(),
                                     .zero_point = zero.data(),
                                     .half_scales = spec.scale_type == ScaleType::kFloat16};
    const bool on_grid = spec.scale_type == ScaleType::kLog8;
    (on_grid ? kernels::search_grid_lanes : kernels::search_lanes)(rule, search, best.data());
    std::copy_n(best.begin(), count, scale.begin() + static_cast<std::ptrdiff_t>(first));
  }
}

}  // namespace vetquant
