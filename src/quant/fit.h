// What rtn and mse share: the scale and zero point that a range of values asks for.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "vetquant/quant/algorithm.h"
#include "vetquant/quant/spec.h"

namespace vetquant {

struct Range {  // of the values of a group
  float least = 0, largest = 0;
};

struct ScaleAndZero {
  float scale = 1, zero_point = 0;
};

// The scale and zero point whose codes just reach a range (Jacob et al. 2018, section 2.1: an integer zero point is
// rounded, and the range widened to hold 0; a float one keeps the range).
//
// * Symmetric: the scale that serves the side that needs it more. Full int4 reaches -8 but only +7:
//   scale = max(-least / 8, largest / 7).
// * A group of zeros gets scale 1. A group of one value v with a float zero point gets scale |v|, so that v is exact.
// * No scale is below the least normal float, 2^-126: a quotient by less could overflow and its codes would not come back.
//   Groups that are smaller than that keep an error of half that scale. No scale is so large that a code of it decodes to
//   infinity.
// * ScaleType::kFloat16: the nearest half, or the next one above where the nearest would clip by more than half a step;
//   at least 2^-24. Infinite where the scale would be above 65504: see check_scale. ScaleType::kLog8: likewise on its grid.
ScaleAndZero fit_range(const QuantSpec& spec, Range range);

// fit_range of many. `first`: the index of the first range, for errors. Errors: check_finite, check_scale.
void fit_ranges(const QuantSpec& spec, std::span<const float> least, std::span<const float> largest,
                std::span<float> scale, std::span<float> zero_point, size_t first = 0);
// Likewise for groups of `length` values.
void fit_groups(const QuantSpec& spec, std::span<const float> values, int64_t length, std::span<float> scale,
                std::span<float> zero_point);

// The same for a range shrunk to `keep` of its width: towards 0, or towards its middle for a float zero point. `whole`
// is what fit_range gave for the whole one.
ScaleAndZero fit_shrunk(const QuantSpec& spec, Range range, ScaleAndZero whole, double keep);

// Errors name the group; `first` is the index of the call's first one.
void check_finite(Range range, size_t group);  // Error{kUnsupported}
void check_scale(float scale, size_t group);   // Error{kUnsupported}: beyond halves or the grid of kLog8
void check_finite(std::span<const float> values, int64_t length);

// Ranges of groups, computed some hundred at a time: fn(group, range).
void for_each_range(std::span<const float> values, int64_t length, const std::function<void(size_t, Range)>& fn);

// The range of a replayed group; {0, 0} where it has no values.
Range range_of(const ReplayValues& replay);

}  // namespace vetquant
