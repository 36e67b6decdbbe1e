#include "column_kernels.h"

#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "column_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each instruction set
#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "codes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace vetquant::kernels {
namespace HWY_NAMESPACE {
namespace {

HWY_ATTR void ColumnExtremes(const float* values, size_t rows, size_t columns, float* least, float* largest,
                             int32_t* magnitude) {
  const Floats d;
  const Ints di;
  const size_t lanes = hn::Lanes(d);
  const auto no_sign = hn::Set(di, 0x7FFFFFFF);
  size_t c = 0;
  // A strip of columns at a time: its extremes stay in registers.
  for (; c + lanes <= columns; c += lanes) {
    auto low = hn::LoadU(d, least + c), high = hn::LoadU(d, largest + c);
    auto bits = hn::LoadU(di, magnitude + c);
    for (size_t r = 0; r < rows; ++r) {
      const auto v = hn::LoadU(d, values + r * columns + c);
      low = hn::Min(low, v);
      high = hn::Max(high, v);
      bits = hn::Max(bits, hn::And(hn::BitCast(di, v), no_sign));
    }
    hn::StoreU(low, d, least + c);
    hn::StoreU(high, d, largest + c);
    hn::StoreU(bits, di, magnitude + c);
  }
  for (; c < columns; ++c) {
    for (size_t r = 0; r < rows; ++r) {
      const float v = values[r * columns + c];
      least[c] = v < least[c] ? v : least[c];
      largest[c] = v > largest[c] ? v : largest[c];
      magnitude[c] = std::max(magnitude[c], std::bit_cast<int32_t>(v) & 0x7FFFFFFF);
    }
  }
}

template <bool kFloatZero>
HWY_ATTR void EncodeRowAs(const CodeRule& rule, const float* values, size_t columns, const float* scale,
                          const float* zero_point, uint8_t* codes) {
  const Floats d;
  const Ints di;
  const Bytes bytes;
  const size_t lanes = hn::Lanes(d);
  const auto low = hn::Set(d, rule.low), high = hn::Set(d, rule.high);
  const auto mask = hn::Set(di, rule.four_bits ? 0x0F : 0xFF);
  size_t c = 0;
  const auto encoded = [&](const float* v, const float* s, const float* z) HWY_ATTR {
    const auto code = Codes<kFloatZero>(hn::LoadU(d, v), hn::LoadU(d, s), hn::LoadU(d, z), low, high);
    return hn::DemoteTo(bytes, hn::And(hn::ConvertTo(di, code), mask));
  };
  for (; c + lanes <= columns; c += lanes) {
    hn::StoreU(encoded(values + c, scale + c, zero_point + c), bytes, codes + c);
  }
  if (c == columns) return;
  const size_t rest = columns - c;
  const Tail v(values + c, rest, 0), s(scale + c, rest, 1), z(zero_point + c, rest, 0);
  HWY_ALIGN uint8_t out[16];
  hn::Store(encoded(v.values, s.values, z.values), bytes, out);
  std::copy_n(out, rest, codes + c);
}

HWY_ATTR void EncodeRow(const CodeRule& rule, const float* values, size_t columns, const float* scale,
                        const float* zero_point, uint8_t* codes) {
  (rule.float_zero ? EncodeRowAs<true> : EncodeRowAs<false>)(rule, values, columns, scale, zero_point, codes);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace vetquant::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vetquant::kernels {

HWY_EXPORT(ColumnExtremes);
HWY_EXPORT(EncodeRow);

void column_extremes(const float* values, size_t rows, size_t columns, float* least, float* largest,
                     int32_t* magnitude) {
  HWY_DYNAMIC_DISPATCH(ColumnExtremes)(values, rows, columns, least, largest, magnitude);
}

void encode_row(const CodeRule& rule, const float* values, size_t columns, const float* scale, const float* zero_point,
                uint8_t* codes) {
  HWY_DYNAMIC_DISPATCH(EncodeRow)(rule, values, columns, scale, zero_point, codes);
}

}  // namespace vetquant::kernels
#endif
