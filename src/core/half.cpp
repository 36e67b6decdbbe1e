#include "vetquant/core/half.h"

#include <bit>

#include "half_kernels.h"

namespace vetquant {
namespace {

constexpr uint16_t kSignMask = 0x8000, kHalfMagnitude = 0x7FFF;

}  // namespace

HalfCounts& HalfCounts::operator+=(const HalfCounts& other) {
  overflowed += other.overflowed;
  underflowed += other.underflowed;
  return *this;
}

uint16_t float_to_half(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & kSignMask);
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000) return static_cast<uint16_t>(sign | 0x7E00 | ((magnitude >> 13) & 0x1FF));  // quiet NaN
  if (magnitude >= 0x477FF000) return static_cast<uint16_t>(sign | 0x7C00);  // rounds above 65504
  if (magnitude < 0x38800000) {  // subnormal or zero: let the float adder round at 2^-24
    const float rounded = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(rounded) - 0x3F000000));
  }
  const uint32_t even = (magnitude >> 13) & 1;
  return static_cast<uint16_t>(sign | ((magnitude - 0x38000000 + 0xFFF + even) >> 13));
}

float half_to_float(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & kSignMask) << 16;
  const uint32_t magnitude = bits & kHalfMagnitude;
  if (magnitude > 0x7C00) return std::bit_cast<float>(sign | 0x7FC00000 | ((magnitude & 0x3FF) << 13));  // quiet NaN
  if (magnitude == 0x7C00) return std::bit_cast<float>(sign | 0x7F800000);
  if (magnitude >= 0x0400) return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000));
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(static_cast<float>(magnitude) * 0x1p-24f));
}

uint16_t float_to_bfloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFF) > 0x7F800000) return static_cast<uint16_t>((bits >> 16) | 0x0040);
  return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

float bfloat16_to_float(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

HalfCounts floats_to_halves(std::span<const float> values, Overflow overflow, std::span<uint16_t> out) {
  HalfCounts counts;
  half_kernels::to_halves(values.data(), values.size(), overflow, out.data(), counts);
  return counts;
}

HalfCounts floats_to_bfloat16s(std::span<const float> values, Overflow overflow, std::span<uint16_t> out) {
  HalfCounts counts;
  half_kernels::to_bfloat16s(values.data(), values.size(), overflow, out.data(), counts);
  return counts;
}

void halves_to_floats(std::span<const uint16_t> bits, std::span<float> out) {
  half_kernels::from_halves(bits.data(), bits.size(), out.data());
}

void bfloat16s_to_floats(std::span<const uint16_t> bits, std::span<float> out) {
  half_kernels::from_bfloat16s(bits.data(), bits.size(), out.data());
}

}  // namespace vetquant
