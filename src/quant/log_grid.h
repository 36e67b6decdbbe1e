// The grid of log8_grid() as tables for lookups. Scales are floats, so that every instruction set finds the same place.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace vetquant {

struct LogGrid {
  // Floats of one bin share their exponent and four bits of their mantissa: they lie within 6.25 %, so that at most one value of the
  // grid lies among them.
  static constexpr int kDroppedBits = 19;
  static constexpr size_t kBins = size_t{1} << (31 - kDroppedBits);

  float value[257];             // ascending; the last is infinite
  float middle[256];            // between a value and the next, rounded down; infinite behind the last
  int32_t floor_of_bin[kBins];  // the place of the greatest value that is not above the bin's least float, or 0
};

extern const LogGrid kLogGrid;

// The place of the greatest value of the grid that is not above `scale`, or 0. `scale` is finite and not negative.
inline size_t floor_place(float scale) {
  const auto place =
      static_cast<size_t>(kLogGrid.floor_of_bin[std::bit_cast<uint32_t>(scale) >> LogGrid::kDroppedBits]);
  return place + (scale >= kLogGrid.value[place + 1] ? 1 : 0);
}

// A scale may be rounded down so far that codes `reach` from the zero point are off by half a step.
inline float rounded_down_share(float reach) { return 1 + 0.5f / reach; }

// The nearest value of the grid, or the next one above where that clips; infinite above the grid.
inline float scale_on_grid(float scale, float reach) {
  const size_t place = floor_place(scale);
  const bool up = scale > kLogGrid.value[place] * rounded_down_share(reach) || scale > kLogGrid.middle[place];
  return kLogGrid.value[place + (up ? 1 : 0)];
}

}  // namespace vetquant
