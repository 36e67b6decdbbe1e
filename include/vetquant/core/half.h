// IEEE 754 binary16 and bfloat16 conversions, round to nearest, ties to even; bit-identical for every SIMD level.
//
// Values beyond the largest finite value either become infinity or are clamped to it (Overflow); NaN stays NaN (quiet).
// Counts tell what was lost: `overflowed` finite values beyond the range, `underflowed` non-zero values that became 0.
#pragma once

#include <cstdint>
#include <span>

namespace vetquant {

enum class Overflow { kInfinity, kClamp };

struct HalfCounts {
  uint64_t overflowed = 0;
  uint64_t underflowed = 0;
  HalfCounts& operator+=(const HalfCounts& other);
};

uint16_t float_to_half(float value);  // overflow becomes infinity
float half_to_float(uint16_t bits);
uint16_t float_to_bfloat16(float value);
float bfloat16_to_float(uint16_t bits);

// `out` has the size of `values`.
HalfCounts floats_to_halves(std::span<const float> values, Overflow overflow, std::span<uint16_t> out);
HalfCounts floats_to_bfloat16s(std::span<const float> values, Overflow overflow, std::span<uint16_t> out);
void halves_to_floats(std::span<const uint16_t> bits, std::span<float> out);
void bfloat16s_to_floats(std::span<const uint16_t> bits, std::span<float> out);

}  // namespace vetquant
