#include "search_kernels.h"

#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "search_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each instruction set
#include <hwy/highway.h>

#include "codes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace vetquant::kernels {
namespace HWY_NAMESPACE {
namespace {

HWY_ATTR void LaneErrors(const CodeRule& rule, const float* interleaved, size_t length, const float* scale,
                         const float* zero_point, float* errors) {
  const Floats d;
  const size_t lanes = hn::Lanes(d);
  for (size_t lane = 0; lane < kSearchLanes; lane += lanes) {
    const auto reciprocal = hn::Div(hn::Set(d, 1.0f), hn::LoadU(d, scale + lane));
    const auto zero = hn::LoadU(d, zero_point + lane);
    // The code's distance from the zero point is rounded and clamped.
    const auto low = hn::Sub(hn::Set(d, rule.low), zero), high = hn::Sub(hn::Set(d, rule.high), zero);
    const auto squared = [&](size_t i) HWY_ATTR {
      const auto code = hn::Mul(hn::LoadU(d, interleaved + i * kSearchLanes + lane), reciprocal);
      const auto error = hn::Sub(code, hn::Round(hn::Min(hn::Max(code, low), high)));
      return hn::Mul(error, error);
    };
    auto sum0 = hn::Zero(d), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    size_t i = 0;
    for (; i + 4 <= length; i += 4) {
      sum0 = hn::Add(sum0, squared(i));
      sum1 = hn::Add(sum1, squared(i + 1));
      sum2 = hn::Add(sum2, squared(i + 2));
      sum3 = hn::Add(sum3, squared(i + 3));
    }
    if (i < length) sum0 = hn::Add(sum0, squared(i));
    if (i + 1 < length) sum1 = hn::Add(sum1, squared(i + 1));
    if (i + 2 < length) sum2 = hn::Add(sum2, squared(i + 2));
    hn::StoreU(hn::Add(hn::Add(sum0, sum2), hn::Add(sum1, sum3)), d, errors + lane);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace vetquant::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vetquant::kernels {

HWY_EXPORT(LaneErrors);

void lane_errors(const CodeRule& rule, const float* interleaved, size_t length, const float* scale,
                 const float* zero_point, float* errors) {
  HWY_DYNAMIC_DISPATCH(LaneErrors)(rule, interleaved, length, scale, zero_point, errors);
}

}  // namespace vetquant::kernels
#endif
