// The inner loops of quant/columns.h for every instruction set; see kernels.h.
#pragma once

#include "kernels.h"

namespace vetquant::kernels {

// [rows, columns] into the running extremes of each column.
void column_extremes(const float* values, size_t rows, size_t columns, float* least, float* largest,
                     int32_t* magnitude);

// One row; scale and zero_point [columns].
void encode_row(const CodeRule& rule, const float* values, size_t columns, const float* scale, const float* zero_point,
                uint8_t* codes);

}  // namespace vetquant::kernels
