#include "vetquant/quant/activation_parameters.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vetquant::quant {
namespace {

constexpr double kLargestBias = 1 << 30;

float normal_scale(double scale) {
  constexpr double kLeast = std::numeric_limits<float>::min(), kMost = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(scale, kLeast, kMost));
}

}  // namespace

int least_code(DType type) { return type == DType::kInt8 ? -128 : type == DType::kInt16 ? -32768 : 0; }

int largest_code(DType type) {
  return type == DType::kInt8 ? 127 : type == DType::kUint8 ? 255 : type == DType::kInt16 ? 32767 : 65535;
}

ActivationParameters activation_parameters(const ActivationRange& range, DType type, Symmetry symmetry) {
  const double low = std::min(double{range.low}, 0.0), high = std::max(double{range.high}, 0.0);
  const int least = least_code(type), largest = largest_code(type);
  const int middle = least + (largest - least + 1) / 2;
  if (symmetry == Symmetry::kSymmetric) {
    const double most = std::max(-low, high);
    return {most == 0 ? 1.0F : normal_scale(most / (largest - middle)), middle};
  }
  if (low == high) return {1, least < 0 ? 0 : least};
  const float scale = normal_scale((high - low) / (largest - least));
  const double zero_point = std::nearbyint(least - low / double{scale});
  return {scale, static_cast<int>(std::clamp(zero_point, double(least), double(largest)))};
}

float least_weight_scale(float bias, float input_scale) {
  if (bias == 0) return 0;
  const double least = std::abs(double{bias}) / (double{input_scale} * kLargestBias);
  // Rounded upwards: the code must not exceed the limit.
  return std::nextafter(normal_scale(least), std::numeric_limits<float>::max());
}

float bias_scale(float input_scale, float weight_scale) { return normal_scale(double{input_scale * weight_scale}); }

int32_t bias_code(float bias, float input_scale, float weight_scale) {
  const double code = std::nearbyint(double{bias} / double{bias_scale(input_scale, weight_scale)});
  constexpr double kMost = std::numeric_limits<int32_t>::max();
  return static_cast<int32_t>(std::clamp(code, -kMost, kMost));
}

}  // namespace vetquant::quant
