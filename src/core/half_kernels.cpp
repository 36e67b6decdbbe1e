#include "half_kernels.h"

// Vectors whose size only the processor knows cannot be members of structs or counted on to hold 16 lanes.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "half_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each instruction set
#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace vetquant::half_kernels {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, 16>;
using Bits = hn::RebindToSigned<Floats>;  // comparisons are of magnitudes, which are never negative
using Halves = hn::Rebind<uint16_t, Floats>;
using BitVector = hn::VFromD<Bits>;

HWY_INLINE BitVector Const(int32_t value) { return hn::Set(Bits(), value); }

HWY_INLINE BitVector Or3(BitVector a, BitVector b, BitVector c) { return hn::Or(hn::Or(a, b), c); }

// What a conversion makes of a magnitude, and whether it was too large or too small.
struct HalfFormat {
  static HWY_INLINE BitVector Round(BitVector magnitude) {
    const auto even = hn::And(hn::ShiftRight<13>(magnitude), Const(1));
    const auto normal = hn::ShiftRight<13>(hn::Add(hn::Add(magnitude, Const(0xFFF - 0x38000000)), even));
    // Below 2^-14 the float adder rounds at 2^-24.
    const auto sum = hn::Add(hn::BitCast(Floats(), magnitude), hn::Set(Floats(), 0.5f));
    const auto subnormal = hn::Sub(hn::BitCast(Bits(), sum), Const(0x3F000000));
    return hn::IfThenElse(hn::Lt(magnitude, Const(0x38800000)), subnormal, normal);
  }
  static HWY_INLINE BitVector Nan(BitVector magnitude) {
    return hn::Or(Const(0x7E00), hn::And(hn::ShiftRight<13>(magnitude), Const(0x1FF)));
  }
  static constexpr int32_t kOverflow = 0x477FF000, kInfinity = 0x7C00, kLargest = 0x7BFF;
};

struct Bfloat16Format {
  static HWY_INLINE BitVector Round(BitVector magnitude) {
    const auto even = hn::And(hn::ShiftRight<16>(magnitude), Const(1));
    return hn::ShiftRight<16>(hn::Add(hn::Add(magnitude, Const(0x7FFF)), even));
  }
  static HWY_INLINE BitVector Nan(BitVector magnitude) { return hn::Or(hn::ShiftRight<16>(magnitude), Const(0x40)); }
  static constexpr int32_t kOverflow = 0x7F7F8000, kInfinity = 0x7F80, kLargest = 0x7F7F;
};

template <class Format>
HWY_ATTR void Narrow(const float* values, size_t count, Overflow overflow, uint16_t* out, HalfCounts& counts) {
  const Floats d;
  const Bits bits;
  const Halves halves;
  const size_t lanes = hn::Lanes(d);
  const auto too_large = Const(overflow == Overflow::kClamp ? Format::kLargest : Format::kInfinity);
  const auto convert = [&](auto value) HWY_ATTR {
    const auto magnitude = hn::And(hn::BitCast(bits, value), Const(0x7FFFFFFF));
    const auto sign = hn::And(hn::ShiftRight<16>(hn::BitCast(bits, value)), Const(0x8000));
    auto result = Format::Round(magnitude);
    const auto lost = hn::And(hn::Eq(result, hn::Zero(bits)), hn::Ne(magnitude, hn::Zero(bits)));
    const auto overflowed =
        hn::And(hn::Gt(magnitude, Const(Format::kOverflow - 1)), hn::Lt(magnitude, Const(0x7F800000)));
    counts.underflowed += hn::CountTrue(bits, lost);
    counts.overflowed += hn::CountTrue(bits, overflowed);
    result = hn::IfThenElse(overflowed, too_large, result);
    result = hn::IfThenElse(hn::Eq(magnitude, Const(0x7F800000)), Const(Format::kInfinity), result);
    result = hn::IfThenElse(hn::Gt(magnitude, Const(0x7F800000)), Format::Nan(magnitude), result);
    return hn::DemoteTo(halves, hn::Or(result, sign));
  };
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(convert(hn::LoadU(d, values + i)), halves, out + i);
  if (i == count) return;
  HWY_ALIGN float rest[16] = {};  // zeros count as nothing
  HWY_ALIGN uint16_t converted[16];
  std::copy_n(values + i, count - i, rest);
  hn::Store(convert(hn::Load(d, rest)), halves, converted);
  std::copy_n(converted, count - i, out + i);
}

HWY_INLINE hn::VFromD<Floats> FromHalf(BitVector half) {
  const auto sign = hn::ShiftLeft<16>(hn::And(half, Const(0x8000)));
  const auto magnitude = hn::And(half, Const(0x7FFF)), shifted = hn::ShiftLeft<13>(magnitude);
  const auto subnormal = hn::Mul(hn::ConvertTo(Floats(), magnitude), hn::Set(Floats(), 0x1p-24f));
  auto result = hn::Add(shifted, Const(0x38000000));
  result = hn::IfThenElse(hn::Lt(magnitude, Const(0x400)), hn::BitCast(Bits(), subnormal), result);
  result = hn::IfThenElse(hn::Eq(magnitude, Const(0x7C00)), Const(0x7F800000), result);
  result = hn::IfThenElse(hn::Gt(magnitude, Const(0x7C00)), Or3(shifted, Const(0x7F800000), Const(0x400000)), result);
  return hn::BitCast(Floats(), hn::Or(result, sign));
}

HWY_INLINE hn::VFromD<Floats> FromBfloat16(BitVector bits) { return hn::BitCast(Floats(), hn::ShiftLeft<16>(bits)); }

template <hn::VFromD<Floats> (*kConvert)(BitVector)>
HWY_ATTR void Widen(const uint16_t* from, size_t count, float* out) {
  const Floats d;
  const Halves halves;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(kConvert(hn::PromoteTo(Bits(), hn::LoadU(halves, from + i))), d, out + i);
  }
  if (i == count) return;
  HWY_ALIGN uint16_t rest[16] = {};
  HWY_ALIGN float converted[16];
  std::copy_n(from + i, count - i, rest);
  hn::Store(kConvert(hn::PromoteTo(Bits(), hn::Load(halves, rest))), d, converted);
  std::copy_n(converted, count - i, out + i);
}

HWY_ATTR void ToHalves(const float* values, size_t count, Overflow overflow, uint16_t* out, HalfCounts& counts) {
  Narrow<HalfFormat>(values, count, overflow, out, counts);
}

HWY_ATTR void ToBfloat16s(const float* values, size_t count, Overflow overflow, uint16_t* out, HalfCounts& counts) {
  Narrow<Bfloat16Format>(values, count, overflow, out, counts);
}

HWY_ATTR void FromHalves(const uint16_t* bits, size_t count, float* out) { Widen<FromHalf>(bits, count, out); }

HWY_ATTR void FromBfloat16s(const uint16_t* bits, size_t count, float* out) { Widen<FromBfloat16>(bits, count, out); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace vetquant::half_kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vetquant::half_kernels {

HWY_EXPORT(ToHalves);
HWY_EXPORT(ToBfloat16s);
HWY_EXPORT(FromHalves);
HWY_EXPORT(FromBfloat16s);

void to_halves(const float* values, size_t count, Overflow overflow, uint16_t* out, HalfCounts& counts) {
  HWY_DYNAMIC_DISPATCH(ToHalves)(values, count, overflow, out, counts);
}

void to_bfloat16s(const float* values, size_t count, Overflow overflow, uint16_t* out, HalfCounts& counts) {
  HWY_DYNAMIC_DISPATCH(ToBfloat16s)(values, count, overflow, out, counts);
}

void from_halves(const uint16_t* bits, size_t count, float* out) { HWY_DYNAMIC_DISPATCH(FromHalves)(bits, count, out); }

void from_bfloat16s(const uint16_t* bits, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(FromBfloat16s)(bits, count, out);
}

}  // namespace vetquant::half_kernels
#endif
