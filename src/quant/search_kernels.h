// The inner loop of a search over scales for many short groups at once, one group a lane; see kernels.h.
#pragma once

#include "kernels.h"

namespace vetquant::kernels {

inline constexpr size_t kSearchLanes = 16;

// interleaved  [length, 16] float: value i of 16 groups side by side
// scale, zero  [16]; integer zero points
// errors       [16] squared error of each group in units of scale^2, summed in floats: close enough to search by
// Sums are of values i, i + 4, ... in four runs that are added as (0 + 2) + (1 + 3), on every instruction set.
void lane_errors(const CodeRule& rule, const float* interleaved, size_t length, const float* scale,
                 const float* zero_point, float* errors);

}  // namespace vetquant::kernels
