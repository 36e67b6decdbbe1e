#include "fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "grid_kernels.h"
#include "kernels.h"
#include "log_grid.h"
#include "vetquant/core/error.h"
#include "vetquant/core/half.h"

namespace vetquant {
namespace {

constexpr size_t kRangesAtOnce = 256;
constexpr float kLargest = std::numeric_limits<float>::max();

// `reach`: the largest distance of a code from the zero point. Not limited: see limited().
float stored_scale(const QuantSpec& spec, double scale, double reach) {
  if (spec.scale_type == ScaleType::kFloat32)
    return std::max(static_cast<float>(scale), std::numeric_limits<float>::min());
  if (spec.scale_type == ScaleType::kLog8) return scale_on_grid(static_cast<float>(scale), static_cast<float>(reach));
  if (scale > 65504) return std::numeric_limits<float>::infinity();
  uint16_t half = std::max<uint16_t>(float_to_half(static_cast<float>(scale)), 1);
  if ((scale / static_cast<double>(half_to_float(half)) - 1) * reach > 0.5) ++half;
  return half_to_float(half);
}

// The scale is rounded, so the outermost code of values near the largest float could decode to infinity.
float limited(float scale, double reach) {
  if (!std::isfinite(scale) || double{scale} * reach <= kLargest) return scale;
  return std::nextafter(static_cast<float>(kLargest / reach), 0.0f);
}

double reach_of(const QuantSpec& spec, float zero_point) {
  return std::max(double{zero_point} - code_min(spec), code_max(spec) - double{zero_point});
}

float zero_code(double low, double high) { return static_cast<float>(std::clamp(0.0, low, high)); }

ScaleAndZero fit_symmetric(const QuantSpec& spec, Range range) {
  const double zero = symmetric_zero_point(spec), below = zero - code_min(spec), above = code_max(spec) - zero;
  const double for_least = -double{range.least} / below, for_largest = double{range.largest} / above;
  const double scale = std::max(for_least, for_largest);
  if (!(scale > 0)) return {1.0f, static_cast<float>(zero)};
  // Only the side that asked for the scale is reached. Compared as floats, as fit_on_grid does.
  const double reach = static_cast<float>(for_least) >= static_cast<float>(for_largest) ? below : above;
  return {limited(stored_scale(spec, scale, reach), reach), static_cast<float>(zero)};
}

ScaleAndZero fit_float_zero(const QuantSpec& spec, double least, double largest) {
  const double low = code_min(spec), high = code_max(spec);
  if (least == 0 && largest == 0) return {1.0f, zero_code(low, high)};
  const bool one_value = !(largest > least);
  if (!one_value && std::max(-least, largest) > 0.99 * kLargest) {  // or the rounded zero point decodes to infinity
    least *= 1 - 0x1p-20;
    largest *= 1 - 0x1p-20;
  }
  const double scale = one_value ? std::abs(least) : (largest - least) / (high - low),
               reach = one_value ? 1 : high - low;
  const float stored = stored_scale(spec, scale, reach);
  return {stored, static_cast<float>(low - least / double{stored})};
}

ScaleAndZero fit_integer_zero(const QuantSpec& spec, double least, double largest) {
  const double low = code_min(spec), high = code_max(spec);
  const double scale = (largest - least) / (high - low);
  if (!(scale > 0)) return {1.0f, zero_code(low, high)};
  const float stored = stored_scale(spec, scale, high - low);
  const float zero = static_cast<float>(std::clamp(std::nearbyint(low - least / double{stored}), low, high));
  return {limited(stored, reach_of(spec, zero)), zero};
}

size_t first_not_finite(std::span<const float> values) {
  const auto bad = std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  return static_cast<size_t>(bad - values.begin());
}

}  // namespace

ScaleAndZero fit_range(const QuantSpec& spec, Range range) {
  if (spec.symmetry == Symmetry::kSymmetric) return fit_symmetric(spec, range);
  if (spec.zero_point == ZeroPointKind::kFloat) return fit_float_zero(spec, range.least, range.largest);
  return fit_integer_zero(spec, std::min(double{range.least}, 0.0), std::max(double{range.largest}, 0.0));
}

ScaleAndZero fit_shrunk(const QuantSpec& spec, Range range, ScaleAndZero whole, double keep) {
  if (spec.symmetry == Symmetry::kAsymmetric && spec.zero_point == ZeroPointKind::kFloat) {
    const double middle = (double{range.least} + range.largest) / 2, half = (double{range.largest} - range.least) / 2;
    return fit_float_zero(spec, std::max(middle - half * keep, -double{kLargest}),
                          std::min(middle + half * keep, double{kLargest}));
  }
  // Both ends shrink by the same share, so the zero point stays.
  const bool ordinary = whole.scale > 1e-30f && whole.scale < 1e30f;  // far from where stored_scale and limited act
  if (ordinary && spec.scale_type == ScaleType::kFloat32)
    return {static_cast<float>(double{whole.scale} * keep), whole.zero_point};
  const double reach = reach_of(spec, whole.zero_point);
  return {limited(stored_scale(spec, double{whole.scale} * keep, reach), reach), whole.zero_point};
}

void check_finite(Range range, size_t group) {
  if (std::isfinite(range.least)) return;
  throw Error(ErrorCode::kUnsupported, "has a value that is NaN or infinite and cannot be quantized; keep this tensor",
              "group " + std::to_string(group));
}

void check_scale(float scale, size_t group) {
  if (std::isfinite(scale)) return;
  throw Error(ErrorCode::kUnsupported, "has values too large for its scales; use scales: fp32 or keep this tensor",
              "group " + std::to_string(group));
}

void fit_ranges(const QuantSpec& spec, std::span<const float> least, std::span<const float> largest,
                std::span<float> scale, std::span<float> zero_point, size_t first) {
  const size_t bad_range = first_not_finite(least);
  if (bad_range < least.size()) check_finite({least[bad_range], largest[bad_range]}, first + bad_range);
  if (spec.scale_type == ScaleType::kLog8 && spec.symmetry == Symmetry::kSymmetric) {
    const double zero = symmetric_zero_point(spec);
    kernels::fit_on_grid(least.data(), largest.data(), least.size(), static_cast<float>(zero - code_min(spec)),
                         static_cast<float>(code_max(spec) - zero), scale.data());
    std::fill(zero_point.begin(), zero_point.end(), static_cast<float>(zero));
  } else {
    for (size_t i = 0; i < least.size(); ++i) {
      const ScaleAndZero found = fit_range(spec, {least[i], largest[i]});
      scale[i] = found.scale;
      zero_point[i] = found.zero_point;
    }
  }
  const size_t bad_scale = first_not_finite(scale);
  if (bad_scale < scale.size()) check_scale(scale[bad_scale], first + bad_scale);
}

void fit_groups(const QuantSpec& spec, std::span<const float> values, int64_t length, std::span<float> scale,
                std::span<float> zero_point) {
  std::array<float, kRangesAtOnce> least, largest;
  const size_t run = static_cast<size_t>(length);
  for (size_t first = 0; first < scale.size(); first += kRangesAtOnce) {
    const size_t count = std::min(kRangesAtOnce, scale.size() - first);
    kernels::extremes(values.data() + first * run, count, run, least.data(), largest.data());
    fit_ranges(spec, std::span(least).first(count), std::span(largest).first(count), scale.subspan(first, count),
               zero_point.subspan(first, count), first);
  }
}

void for_each_range(std::span<const float> values, int64_t length, const std::function<void(size_t, Range)>& fn) {
  std::array<float, kRangesAtOnce> least, largest;
  if (length <= 0) return;
  const size_t run = static_cast<size_t>(length), groups = values.size() / run;
  for (size_t first = 0; first < groups; first += kRangesAtOnce) {
    const size_t count = std::min(kRangesAtOnce, groups - first);
    kernels::extremes(values.data() + first * run, count, run, least.data(), largest.data());
    for (size_t i = 0; i < count; ++i) {
      const Range range{least[i], largest[i]};
      check_finite(range, first + i);
      fn(first + i, range);
    }
  }
}

void check_finite(std::span<const float> values, int64_t length) {
  for_each_range(values, length, [](size_t, Range) {});
}

Range range_of(const ReplayValues& replay) {
  Range all;
  bool any = false;
  replay([&](std::span<const float> piece) {
    if (piece.empty()) return;
    Range own;
    kernels::extremes(piece.data(), 1, piece.size(), &own.least, &own.largest);
    check_finite(own, 0);
    all = any ? Range{std::min(all.least, own.least), std::max(all.largest, own.largest)} : own;
    any = true;
  });
  return all;
}

}  // namespace vetquant
