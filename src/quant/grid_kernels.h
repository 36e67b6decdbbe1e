// Scales on the grid of ScaleType::kLog8 for many groups at once; see kernels.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vetquant::kernels {

// What fit_range gives for symmetric codes that reach `below` and `above` the zero point. Ranges are finite.
void fit_on_grid(const float* least, const float* largest, size_t groups, float below, float above, float* scale);

// The codes of values of the grid.
void grid_codes(const float* scale, size_t count, uint8_t* codes);

}  // namespace vetquant::kernels
