#include "grid_kernels.h"

#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "grid_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each instruction set
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "codes-inl.h"
#include "log_grid-inl.h"

HWY_BEFORE_NAMESPACE();
namespace vetquant::kernels {
namespace HWY_NAMESPACE {
namespace {

HWY_ATTR void FitOnGrid(const float* least, const float* largest, size_t groups, float below, float above,
                        float* scale) {
  const Floats d;
  const size_t lanes = hn::Lanes(d);
  const auto fitted = [&](auto low, auto high) HWY_ATTR {
    const auto for_least = hn::Div(hn::Neg(low), hn::Set(d, below)), for_largest = hn::Div(high, hn::Set(d, above));
    const auto wanted = hn::Abs(hn::Max(for_least, for_largest));  // a zero without sign
    const auto share = hn::IfThenElse(hn::Ge(for_least, for_largest), hn::Set(d, rounded_down_share(below)),
                                      hn::Set(d, rounded_down_share(above)));
    const auto place = FloorPlace(wanted);
    const auto clips = hn::Gt(wanted, hn::Mul(GridValue(place), share));
    const auto nearer = hn::Gt(wanted, hn::GatherIndex(d, kLogGrid.middle, place));
    const auto found = GridValue(OneMoreWhere(place, hn::Or(clips, nearer)));
    const auto any = hn::Or(hn::Lt(low, hn::Zero(d)), hn::Gt(high, hn::Zero(d)));
    return hn::IfThenElse(any, found, hn::Set(d, 1.0f));
  };
  size_t i = 0;
  for (; i + lanes <= groups; i += lanes)
    hn::StoreU(fitted(hn::LoadU(d, least + i), hn::LoadU(d, largest + i)), d, scale + i);
  if (i == groups) return;
  const Tail low(least + i, groups - i, 0), high(largest + i, groups - i, 0);
  HWY_ALIGN float rest[16];
  hn::Store(fitted(hn::Load(d, low.values), hn::Load(d, high.values)), d, rest);
  std::copy_n(rest, groups - i, scale + i);
}

HWY_ATTR void GridCodes(const float* scale, size_t count, uint8_t* codes) {
  const Floats d;
  const Bytes bytes;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(hn::DemoteTo(bytes, FloorPlace(hn::LoadU(d, scale + i))), bytes, codes + i);
  if (i == count) return;
  const Tail tail(scale + i, count - i, 1);
  HWY_ALIGN uint8_t rest[16];
  hn::Store(hn::DemoteTo(bytes, FloorPlace(hn::Load(d, tail.values))), bytes, rest);
  std::memcpy(codes + i, rest, count - i);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace vetquant::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vetquant::kernels {

HWY_EXPORT(FitOnGrid);
HWY_EXPORT(GridCodes);

void fit_on_grid(const float* least, const float* largest, size_t groups, float below, float above, float* scale) {
  HWY_DYNAMIC_DISPATCH(FitOnGrid)(least, largest, groups, below, above, scale);
}

void grid_codes(const float* scale, size_t count, uint8_t* codes) {
  HWY_DYNAMIC_DISPATCH(GridCodes)(scale, count, codes);
}

}  // namespace vetquant::kernels
#endif
