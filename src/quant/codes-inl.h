// What the kernels share, once for each instruction set: included between foreach_target.h and HWY_BEFORE_NAMESPACE.
#if defined(VETQUANT_QUANT_CODES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef VETQUANT_QUANT_CODES_INL_H
#undef VETQUANT_QUANT_CODES_INL_H
#else
#define VETQUANT_QUANT_CODES_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace vetquant::kernels {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, 16>;
using Ints = hn::RebindToSigned<Floats>;
using Bytes = hn::Rebind<uint8_t, Floats>;
using Vector = hn::VFromD<Floats>;
using Mask = decltype(hn::Eq(Vector(), Vector()));

// The values behind the last whole vector, filled up with `filler`.
struct Tail {
  HWY_ALIGN float values[16];
  Tail(const float* from, size_t count, float filler) {
    for (size_t i = 0; i < 16; ++i) values[i] = i < count ? from[i] : filler;
  }
};

// Codes as floats, clamped; exact integers.
template <bool kFloatZero, class V>
HWY_INLINE V Codes(V value, V scale, V zero, V low, V high) {
  const V quotient = hn::Div(value, scale);
  const V code = kFloatZero ? hn::Round(hn::Add(quotient, zero)) : hn::Add(hn::Round(quotient), zero);
  return hn::Min(hn::Max(code, low), high);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace vetquant::kernels
HWY_AFTER_NAMESPACE();

#endif
