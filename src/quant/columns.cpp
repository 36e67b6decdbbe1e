#include "vetquant/quant/columns.h"

#include <limits>

#include "column_kernels.h"

namespace vetquant {

ColumnRanges::ColumnRanges(size_t columns)
    : least_(columns, std::numeric_limits<float>::infinity()),
      largest_(columns, -std::numeric_limits<float>::infinity()),
      magnitude_(columns, 0) {}

void ColumnRanges::add(std::span<const float> values) {
  const size_t columns = least_.size();
  if (columns == 0) return;
  kernels::column_extremes(values.data(), values.size() / columns, columns, least_.data(), largest_.data(),
                           magnitude_.data());
}

void ColumnRanges::finish(std::span<float> least, std::span<float> largest) const {
  for (size_t c = 0; c < least_.size(); ++c) {
    const bool finite = magnitude_[c] < 0x7F800000;
    least[c] = finite ? least_[c] + 0.0f : std::numeric_limits<float>::quiet_NaN();
    largest[c] = finite ? largest_[c] + 0.0f : std::numeric_limits<float>::quiet_NaN();
  }
}

void encode_columns(const QuantSpec& spec, std::span<const float> values, std::span<const float> scale,
                    std::span<const float> zero_point, std::span<uint8_t> codes) {
  const kernels::CodeRule rule(spec);
  for (size_t at = 0; at < values.size(); at += scale.size()) {
    kernels::encode_row(rule, values.data() + at, scale.size(), scale.data(), zero_point.data(), codes.data() + at);
  }
}

void decode_columns(const QuantSpec& spec, std::span<const uint8_t> codes, std::span<const float> scale,
                    std::span<const float> zero_point, std::span<float> out) {
  const bool is_signed = code_min(spec) < 0;
  const int bits = bits_of(spec.code_type), sign = 1 << (bits - 1), mask = (1 << bits) - 1;
  for (size_t i = 0, c = 0; i < codes.size(); ++i, c = c + 1 == scale.size() ? 0 : c + 1) {
    int code = codes[i] & mask;
    if (is_signed && (code & sign) != 0) code -= sign << 1;
    out[i] = scale[c] * (static_cast<float>(code) - zero_point[c]);
  }
}

}  // namespace vetquant
