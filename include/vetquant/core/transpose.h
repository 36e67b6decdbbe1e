// Transposition of a matrix of 32-bit values in memory, by vectors of four rows and four columns.
#pragma once

#include <cstddef>

namespace vetquant {

// to[column * to_stride + row] = from[row * from_stride + column] for all of [rows, columns]; strides in elements.
// The two do not overlap.
void transpose(const float* from, ptrdiff_t from_stride, float* to, ptrdiff_t to_stride, size_t rows, size_t columns);

}  // namespace vetquant
