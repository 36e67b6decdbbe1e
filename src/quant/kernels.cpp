#include "kernels.h"

// Vectors whose size only the processor knows cannot be members of structs or counted on to hold 16 lanes.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each instruction set
#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "codes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace vetquant::kernels {
namespace HWY_NAMESPACE {
namespace {

using SignedBytes = hn::Rebind<int8_t, Floats>;
using Floats4 = hn::CappedTag<float, 4>;

HWY_ATTR void Extremes(const float* values, size_t groups, size_t length, float* least, float* largest) {
  const Floats d;
  const Ints di;
  const size_t lanes = hn::Lanes(d);
  const auto magnitude = hn::Set(di, 0x7FFFFFFF);
  for (size_t group = 0; group < groups; ++group, values += length) {
    auto low = hn::Set(d, values[0]), high = low;
    auto bits = hn::Zero(di);
    size_t i = 0;
    for (; i + lanes <= length; i += lanes) {
      const auto v = hn::LoadU(d, values + i);
      low = hn::Min(low, v);
      high = hn::Max(high, v);
      bits = hn::Max(bits, hn::And(hn::BitCast(di, v), magnitude));
    }
    if (i < length) {
      const Tail tail(values + i, length - i, values[0]);
      const auto v = hn::Load(d, tail.values);
      low = hn::Min(low, v);
      high = hn::Max(high, v);
      bits = hn::Max(bits, hn::And(hn::BitCast(di, v), magnitude));
    }
    const bool finite = hn::GetLane(hn::MaxOfLanes(di, bits)) < 0x7F800000;
    const float none = std::numeric_limits<float>::quiet_NaN();
    least[group] = finite ? hn::GetLane(hn::MinOfLanes(d, low)) + 0.0f : none;
    largest[group] = finite ? hn::GetLane(hn::MaxOfLanes(d, high)) + 0.0f : none;
  }
}

template <bool kFloatZero>
HWY_ATTR void EncodeAs(const CodeRule& rule, const float* values, size_t groups, size_t length, const float* scale,
                       const float* zero_point, uint8_t* codes) {
  const Floats d;
  const Ints di;
  const Bytes bytes;
  const size_t lanes = hn::Lanes(d);
  const auto low = hn::Set(d, rule.low), high = hn::Set(d, rule.high);
  const auto mask = hn::Set(di, rule.four_bits ? 0x0F : 0xFF);
  for (size_t group = 0; group < groups; ++group, values += length, codes += length) {
    const auto s = hn::Set(d, scale[group]), z = hn::Set(d, zero_point[group]);
    const auto encoded = [&](auto v) HWY_ATTR {
      return hn::DemoteTo(bytes, hn::And(hn::ConvertTo(di, Codes<kFloatZero>(v, s, z, low, high)), mask));
    };
    size_t i = 0;
    for (; i + lanes <= length; i += lanes) hn::StoreU(encoded(hn::LoadU(d, values + i)), bytes, codes + i);
    if (i < length) {
      const Tail tail(values + i, length - i, 0);
      HWY_ALIGN uint8_t out[16];
      hn::Store(encoded(hn::Load(d, tail.values)), bytes, out);
      std::memcpy(codes + i, out, length - i);
    }
  }
}

HWY_ATTR void Encode(const CodeRule& rule, const float* values, size_t groups, size_t length, const float* scale,
                     const float* zero_point, uint8_t* codes) {
  (rule.float_zero ? EncodeAs<true> : EncodeAs<false>)(rule, values, groups, length, scale, zero_point, codes);
}

template <CodeBytes kType>
HWY_INLINE hn::VFromD<Floats> CodesFrom(const uint8_t* codes) {
  const Ints di;
  auto code = hn::Zero(di);
  if constexpr (kType == CodeBytes::kInt8) {
    code = hn::PromoteTo(di, hn::LoadU(SignedBytes(), reinterpret_cast<const int8_t*>(codes)));
  } else {
    code = hn::PromoteTo(di, hn::LoadU(Bytes(), codes));
  }
  if constexpr (kType == CodeBytes::kUint4) code = hn::And(code, hn::Set(di, 0x0F));
  if constexpr (kType == CodeBytes::kInt4) code = hn::ShiftRight<28>(hn::ShiftLeft<28>(code));
  return hn::ConvertTo(Floats(), code);
}

template <CodeBytes kType>
HWY_ATTR void DecodeAs(const uint8_t* codes, size_t groups, size_t length, const float* scale, const float* zero_point,
                       float* out) {
  const Floats d;
  const size_t lanes = hn::Lanes(d);
  for (size_t group = 0; group < groups; ++group, codes += length, out += length) {
    const auto s = hn::Set(d, scale[group]), z = hn::Set(d, zero_point[group]);
    size_t i = 0;
    for (; i + lanes <= length; i += lanes) {
      hn::StoreU(hn::Mul(s, hn::Sub(CodesFrom<kType>(codes + i), z)), d, out + i);
    }
    if (i < length) {
      uint8_t rest[16] = {};
      HWY_ALIGN float decoded[16];
      std::memcpy(rest, codes + i, length - i);
      hn::Store(hn::Mul(s, hn::Sub(CodesFrom<kType>(rest), z)), d, decoded);
      std::memcpy(out + i, decoded, (length - i) * sizeof(float));
    }
  }
}

HWY_ATTR void Decode(CodeBytes type, const uint8_t* codes, size_t groups, size_t length, const float* scale,
                     const float* zero_point, float* out) {
  switch (type) {
    case CodeBytes::kUint8:
      return DecodeAs<CodeBytes::kUint8>(codes, groups, length, scale, zero_point, out);
    case CodeBytes::kInt8:
      return DecodeAs<CodeBytes::kInt8>(codes, groups, length, scale, zero_point, out);
    case CodeBytes::kUint4:
      return DecodeAs<CodeBytes::kUint4>(codes, groups, length, scale, zero_point, out);
    case CodeBytes::kInt4:
      return DecodeAs<CodeBytes::kInt4>(codes, groups, length, scale, zero_point, out);
  }
}

// lanes[16] to one number: lane i + 8 to lane i, then i + 4, i + 2, i + 1.
HWY_INLINE float TreeSum(const float* lanes) {
  const Floats4 d4;
  HWY_ALIGN float four[4];
  for (size_t i = 0; i < 4; i += hn::Lanes(d4)) {
    const auto eight = hn::Add(hn::Load(d4, lanes + i), hn::Load(d4, lanes + 8 + i));
    const auto other = hn::Add(hn::Load(d4, lanes + 4 + i), hn::Load(d4, lanes + 12 + i));
    hn::Store(hn::Add(eight, other), d4, four + i);
  }
  return (four[0] + four[2]) + (four[1] + four[3]);
}

// `rows` rows of 16 values, from `values`.
template <bool kFloatZero>
HWY_INLINE float TileError(const CodeRule& rule, const float* values, size_t rows, float scale, float zero_point) {
  const Floats d;
  const size_t lanes = hn::Lanes(d);
  const auto reciprocal = hn::Set(d, 1 / scale), zero = hn::Set(d, zero_point);
  // With an integer zero point the code's distance from it is rounded and clamped: one addition less.
  const auto low = hn::Set(d, kFloatZero ? rule.low : rule.low - zero_point);
  const auto high = hn::Set(d, kFloatZero ? rule.high : rule.high - zero_point);
  HWY_ALIGN float sums[16];
  for (size_t column = 0; column < 16; column += lanes) {
    auto sum = hn::Zero(d);
    for (size_t row = 0; row < rows; ++row) {
      auto code = hn::Mul(hn::LoadU(d, values + row * 16 + column), reciprocal);
      if (kFloatZero) code = hn::Add(code, zero);
      const auto error = hn::Sub(code, hn::Min(hn::Max(hn::Round(code), low), high));
      sum = hn::Add(sum, hn::Mul(error, error));
    }
    hn::Store(sum, d, sums + column);
  }
  return TreeSum(sums);
}

template <bool kFloatZero>
HWY_ATTR void SearchErrorsAs(const CodeRule& rule, const float* values, size_t count, const float* scale,
                             const float* zero_point, size_t candidates, double* errors) {
  for (size_t at = 0; at < count; at += kErrorTile) {
    const size_t size = std::min(kErrorTile, count - at), rows = size / 16, rest = size % 16;
    for (size_t c = 0; rows > 0 && c < candidates; ++c) {
      errors[c] += TileError<kFloatZero>(rule, values + at, rows, scale[c], zero_point[c]);
    }
    if (rest == 0) continue;
    // The rest is filled up with zeros. Integer zero points hit them; a float one misses all by the same, which is taken
    // off again.
    const Tail tail(values + at + rows * 16, rest, 0), zeros(values, 0, 0);
    for (size_t c = 0; c < candidates; ++c) {
      errors[c] += TileError<kFloatZero>(rule, tail.values, 1, scale[c], zero_point[c]);
      if (!kFloatZero) continue;
      const double missed = TileError<kFloatZero>(rule, zeros.values, 1, scale[c], zero_point[c]);
      errors[c] -= missed / 16 * static_cast<double>(16 - rest);
    }
  }
}

HWY_ATTR void SearchErrors(const CodeRule& rule, const float* values, size_t count, const float* scale,
                           const float* zero_point, size_t candidates, double* errors) {
  (rule.float_zero ? SearchErrorsAs<true> : SearchErrorsAs<false>)(rule, values, count, scale, zero_point, candidates,
                                                                   errors);
}

template <bool kFloatZero>
HWY_ATTR void ExactErrorAs(const CodeRule& rule, const float* values, size_t count, float scale, float zero_point,
                           ErrorLanes& error) {
  const Floats d;
  const size_t lanes = hn::Lanes(d);
  const auto s = hn::Set(d, scale), z = hn::Set(d, zero_point), low = hn::Set(d, rule.low),
             high = hn::Set(d, rule.high);
  HWY_ALIGN float decoded[16];
  const auto add = [&](const float* row, size_t used) HWY_ATTR {
    for (size_t column = 0; column < 16; column += lanes) {
      const auto code = Codes<kFloatZero>(hn::LoadU(d, row + column), s, z, low, high);
      hn::Store(hn::Mul(s, hn::Sub(code, z)), d, decoded + column);
    }
    for (size_t i = 0; i < used; ++i) {
      const double difference = double{row[i]} - double{decoded[i]};
      error.lane[i] += difference * difference;
    }
  };
  size_t i = 0;
  for (; i + 16 <= count; i += 16) add(values + i, 16);
  if (i < count) {
    const Tail tail(values + i, count - i, 0);
    add(tail.values, count - i);
  }
}

HWY_ATTR void ExactError(const CodeRule& rule, const float* values, size_t count, float scale, float zero_point,
                         ErrorLanes& error) {
  (rule.float_zero ? ExactErrorAs<true> : ExactErrorAs<false>)(rule, values, count, scale, zero_point, error);
}

using Doubles = hn::CappedTag<double, 8>;
using HalfFloats = hn::Rebind<float, Doubles>;

// One quantity's running sum in registers; see add_to in distortion.cpp.
struct RunningSum {
  hn::VFromD<Doubles> sum, compensation;
  HWY_INLINE void Add(hn::VFromD<Doubles> x) {
    const auto total = hn::Add(sum, x), other = hn::Sub(total, sum);
    compensation = hn::Add(compensation, hn::Add(hn::Sub(sum, hn::Sub(total, other)), hn::Sub(x, other)));
    sum = total;
  }
};

HWY_ATTR void DistortionTile(const float* reference, const float* value, size_t rows, DistortionLanes& lanes) {
  const Doubles d;
  const HalfFloats half;
  for (size_t column = 0; column < DistortionLanes::kLanes; column += hn::Lanes(d)) {
    const auto load = [&](size_t quantity) HWY_ATTR {
      return RunningSum{hn::LoadU(d, lanes.sum[quantity] + column),
                        hn::LoadU(d, lanes.compensation[quantity] + column)};
    };
    const auto store = [&](size_t quantity, const RunningSum& from) HWY_ATTR {
      hn::StoreU(from.sum, d, lanes.sum[quantity] + column);
      hn::StoreU(from.compensation, d, lanes.compensation[quantity] + column);
    };
    RunningSum reference2 = load(0), value2 = load(1), product = load(2), error2 = load(3);
    auto largest = hn::LoadU(d, lanes.largest + column);
    for (size_t row = 0; row < rows; ++row) {
      const auto r = hn::PromoteTo(d, hn::LoadU(half, reference + row * DistortionLanes::kLanes + column));
      const auto v = hn::PromoteTo(d, hn::LoadU(half, value + row * DistortionLanes::kLanes + column));
      const auto error = hn::Sub(r, v);
      reference2.Add(hn::Mul(r, r));
      value2.Add(hn::Mul(v, v));
      product.Add(hn::Mul(r, v));
      error2.Add(hn::Mul(error, error));
      largest = hn::Max(largest, hn::Abs(error));
    }
    store(0, reference2);
    store(1, value2);
    store(2, product);
    store(3, error2);
    hn::StoreU(largest, d, lanes.largest + column);
  }
}

HWY_ATTR void Distortion(const float* reference, const float* value, size_t rows, DistortionLanes& lanes) {
  constexpr size_t kTileRows = 256;  // both sides stay in the first cache while the columns are walked
  for (size_t row = 0; row < rows; row += kTileRows) {
    const size_t at = row * DistortionLanes::kLanes;
    DistortionTile(reference + at, value + at, std::min(kTileRows, rows - row), lanes);
  }
}

HWY_ATTR void PackNibbles(const uint8_t* codes, size_t pairs, uint8_t* packed) {
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<uint16_t> d16;
  const hn::Rebind<uint8_t, decltype(d16)> bytes;
  const hn::Repartition<uint8_t, decltype(d16)> code_bytes;
  const size_t lanes = hn::Lanes(d16);
  for (; std::endian::native == std::endian::little && i + lanes <= pairs; i += lanes) {
    const auto two = hn::BitCast(d16, hn::LoadU(code_bytes, codes + 2 * i));
    const auto low = hn::And(two, hn::Set(d16, uint16_t{0x0F}));
    const auto high = hn::And(hn::ShiftRight<4>(two), hn::Set(d16, uint16_t{0xF0}));
    const auto both = hn::BitCast(hn::RebindToSigned<decltype(d16)>(), hn::Or(low, high));
    hn::StoreU(hn::DemoteTo(bytes, both), bytes, packed + i);
  }
#endif
  for (; i < pairs; ++i) packed[i] = static_cast<uint8_t>((codes[2 * i] & 0x0F) | (codes[2 * i + 1] << 4));
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace vetquant::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vetquant::kernels {

HWY_EXPORT(Extremes);
HWY_EXPORT(Encode);
HWY_EXPORT(Decode);
HWY_EXPORT(SearchErrors);
HWY_EXPORT(ExactError);
HWY_EXPORT(Distortion);
HWY_EXPORT(PackNibbles);

CodeRule::CodeRule(const QuantSpec& spec)
    : low(static_cast<float>(code_min(spec))),
      high(static_cast<float>(code_max(spec))),
      float_zero(spec.zero_point == ZeroPointKind::kFloat && spec.symmetry == Symmetry::kAsymmetric),
      four_bits(bits_of(spec.code_type) == 4) {}

void extremes(const float* values, size_t groups, size_t length, float* least, float* largest) {
  HWY_DYNAMIC_DISPATCH(Extremes)(values, groups, length, least, largest);
}

void encode(const CodeRule& rule, const float* values, size_t groups, size_t length, const float* scale,
            const float* zero_point, uint8_t* codes) {
  HWY_DYNAMIC_DISPATCH(Encode)(rule, values, groups, length, scale, zero_point, codes);
}

void decode(CodeBytes type, const uint8_t* codes, size_t groups, size_t length, const float* scale,
            const float* zero_point, float* out) {
  HWY_DYNAMIC_DISPATCH(Decode)(type, codes, groups, length, scale, zero_point, out);
}

void search_errors(const CodeRule& rule, const float* values, size_t count, const float* scale, const float* zero_point,
                   size_t candidates, double* errors) {
  HWY_DYNAMIC_DISPATCH(SearchErrors)(rule, values, count, scale, zero_point, candidates, errors);
}

void exact_error(const CodeRule& rule, const float* values, size_t count, float scale, float zero_point,
                 ErrorLanes& error) {
  HWY_DYNAMIC_DISPATCH(ExactError)(rule, values, count, scale, zero_point, error);
}

void distortion(const float* reference, const float* value, size_t rows, DistortionLanes& lanes) {
  HWY_DYNAMIC_DISPATCH(Distortion)(reference, value, rows, lanes);
}

void pack_nibbles(const uint8_t* codes, size_t pairs, uint8_t* packed) {
  HWY_DYNAMIC_DISPATCH(PackNibbles)(codes, pairs, packed);
}

double ErrorLanes::sum() const {
  double sums[16];
  std::copy_n(lane, 16, sums);
  for (size_t half = 8; half > 0; half /= 2) {
    for (size_t i = 0; i < half; ++i) sums[i] += sums[i + half];
  }
  return sums[0];
}

}  // namespace vetquant::kernels
#endif
