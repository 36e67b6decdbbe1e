// The inner loop of a search over scales for many short groups at once, one group a lane; see kernels.h.
#pragma once

#include "kernels.h"

namespace vetquant::kernels {

inline constexpr size_t kSearchLanes = 16;

struct LaneSearch {
  const float* interleaved;  // [length, 16]: value i of 16 groups side by side
  size_t length;
  const float* whole;       // [16] scale of the whole range; its squares and quotients are far from overflow
  const float* zero_point;  // [16] integers
  bool half_scales;         // candidates are rounded to halves, which are normal ones all along the search
};

// scale [16]: the best one found where it is better than `whole` by more than the search can be wrong, else `whole`. Errors are
// sums in floats of values i, i + 4, ... in four runs, added as (0 + 2) + (1 + 3), on every instruction set.

// Shrinks each group's scale step by step: coarse steps down from `whole` until two in a row are worse than the best, then fine
// ones around the best.
void search_lanes(const CodeRule& rule, const LaneSearch& search, float* scale);

// `whole` is on the grid of ScaleType::kLog8, and so is what is tried: the value above it, then those below one by one until two in
// a row are worse than the best, down to a third of `whole`.
void search_grid_lanes(const CodeRule& rule, const LaneSearch& search, float* scale);

}  // namespace vetquant::kernels
