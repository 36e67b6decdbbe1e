// What rtn and mse share: the extremes of a group, and the scale and zero point that a range of values asks for.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include "vetquant/quant/spec.h"

namespace vetquant {

struct Extremes {
  float min = 0, max = 0;
  bool any = false;
  void add(std::span<const float> values);
  bool finite() const { return std::isfinite(min) && std::isfinite(max); }
};

struct ScaleAndZero {
  float scale = 1, zero_point = 0;
};

// The scale and zero point whose codes just reach [min, max] (Jacob et al. 2018, section 2.1, nudged so that 0 is exact
// for integer zero points). Symmetric: the scale that serves the side that needs it more: int4 full range reaches -8 but
// only +7, so scale = max(-min / 8, max / 7).
ScaleAndZero scale_for(const QuantSpec& spec, double min, double max);

[[noreturn]] void fail_not_finite(size_t group);
void check_finite(std::span<const float> values, int64_t length);  // Error{kUnsupported} naming the first such group

}  // namespace vetquant
