#include "fit.h"

#include <algorithm>
#include <limits>

#include "vetquant/core/error.h"
#include "vetquant/core/half.h"

namespace vetquant {
namespace {

// Below this a quotient w / scale loses bits or overflows; such groups are zeros for every purpose.
constexpr float kSmallestScale = std::numeric_limits<float>::min();

float stored_scale(const QuantSpec& spec, double scale) {
  if (spec.scale_type == ScaleType::kFloat32) {
    return std::max(static_cast<float>(std::min(scale, double{std::numeric_limits<float>::max()})), kSmallestScale);
  }
  // Rounded up to the next half, so that no value is clipped; at least the smallest subnormal.
  uint16_t half = float_to_half(static_cast<float>(std::min(scale, 65504.0)));
  if (half_to_float(half) < scale && half < 0x7BFF) ++half;
  return half_to_float(std::max<uint16_t>(half, 1));
}

}  // namespace

void Extremes::add(std::span<const float> values) {
  float low = any ? min : 0, high = any ? max : 0;
  if (!any && !values.empty()) low = high = values[0];
  float sum = 0;  // 0 * value is NaN for NaN and infinity
  for (const float value : values) {
    low = value < low ? value : low;
    high = value > high ? value : high;
    sum += value * 0.0f;
  }
  if (sum != 0) high = low = std::numeric_limits<float>::quiet_NaN();  // sum is NaN
  min = low;
  max = high;
  any = any || !values.empty();
}

ScaleAndZero scale_for(const QuantSpec& spec, double min, double max) {
  const double low = code_min(spec), high = code_max(spec);
  if (spec.symmetry == Symmetry::kSymmetric) {
    const double zero = symmetric_zero_point(spec);
    const double scale = std::max(std::max(-min, 0.0) / (zero - low), std::max(max, 0.0) / (high - zero));
    return {scale > 0 ? stored_scale(spec, scale) : 1.0f, static_cast<float>(zero)};
  }
  if (spec.zero_point == ZeroPointKind::kFloat) {
    const double scale = (max - min) / (high - low);
    if (!(scale > 0)) {  // one value: code_min stands for it
      return {1.0f, static_cast<float>(low - min)};
    }
    const float stored = stored_scale(spec, scale);
    return {stored, static_cast<float>(low - min / stored)};
  }
  min = std::min(min, 0.0);
  max = std::max(max, 0.0);
  const double scale = (max - min) / (high - low);
  if (!(scale > 0)) return {1.0f, static_cast<float>(std::clamp(0.0, low, high))};
  const float stored = stored_scale(spec, scale);
  return {stored, static_cast<float>(std::clamp(std::nearbyint(low - min / stored), low, high))};
}

void fail_not_finite(size_t group) {
  throw Error(ErrorCode::kUnsupported, "has a value that is NaN or infinite and cannot be quantized; keep this tensor",
              "group " + std::to_string(group));
}

void check_finite(std::span<const float> values, int64_t length) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) fail_not_finite(i / static_cast<size_t>(length));
  }
}

}  // namespace vetquant
