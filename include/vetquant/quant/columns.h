// Groups that stand as the columns of a row-major matrix, as the output channels of a [K, N] weight do: worked row by row, in
// the order in which the values lie in the file. Results are those of the same groups as rows, to the bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vetquant/quant/spec.h"

namespace vetquant {

// Least and largest value of each column, over as many rows as were added.
class ColumnRanges {
 public:
  explicit ColumnRanges(size_t columns);
  void add(std::span<const float> values);  // [rows, columns]
  // [columns]; both NaN where a value was NaN or infinite. Zeros are +0.
  void finish(std::span<float> least, std::span<float> largest) const;

 private:
  std::vector<float> least_, largest_;
  std::vector<int32_t> magnitude_;  // bits of the largest |value|: tells NaN and Inf
};

// encode_nearest and decode (quant/algorithm.h) with scale and zero_point [columns]; values and codes [rows, columns].
void encode_columns(const QuantSpec& spec, std::span<const float> values, std::span<const float> scale,
                    std::span<const float> zero_point, std::span<uint8_t> codes);
void decode_columns(const QuantSpec& spec, std::span<const uint8_t> codes, std::span<const float> scale,
                    std::span<const float> zero_point, std::span<float> out);

}  // namespace vetquant
