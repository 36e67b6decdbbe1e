// The conversions of half.h over arrays, compiled for every instruction set (Highway): the scalar functions' arithmetic
// on vectors of integers, so all give the same bits. (Processors' own conversion instructions differ in what a NaN keeps.)
#pragma once

#include <cstddef>
#include <cstdint>

#include "vetquant/core/half.h"

namespace vetquant::half_kernels {

void to_halves(const float* values, size_t count, Overflow overflow, uint16_t* out, HalfCounts& counts);
void to_bfloat16s(const float* values, size_t count, Overflow overflow, uint16_t* out, HalfCounts& counts);
void from_halves(const uint16_t* bits, size_t count, float* out);
void from_bfloat16s(const uint16_t* bits, size_t count, float* out);

}  // namespace vetquant::half_kernels
