// Lookups in the grid, once for each instruction set: included between foreach_target.h and HWY_BEFORE_NAMESPACE.
#if defined(VETQUANT_QUANT_LOG_GRID_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef VETQUANT_QUANT_LOG_GRID_INL_H
#undef VETQUANT_QUANT_LOG_GRID_INL_H
#else
#define VETQUANT_QUANT_LOG_GRID_INL_H
#endif

#include "codes-inl.h"
#include "log_grid.h"

HWY_BEFORE_NAMESPACE();
namespace vetquant::kernels {
namespace HWY_NAMESPACE {
namespace {

using Places = hn::VFromD<Ints>;

HWY_INLINE Vector GridValue(Places place) { return hn::GatherIndex(Floats(), kLogGrid.value, place); }

HWY_INLINE Places OneMoreWhere(Places place, Mask mask) {
  const Ints di;
  return hn::Sub(place, hn::BitCast(di, hn::VecFromMask(Floats(), mask)));  // a true lane is -1
}

// floor_place()
HWY_INLINE Places FloorPlace(Vector scale) {
  const Ints di;
  const auto bin = hn::ShiftRight<LogGrid::kDroppedBits>(hn::BitCast(di, scale));
  const auto place = hn::GatherIndex(di, kLogGrid.floor_of_bin, bin);
  return OneMoreWhere(place, hn::Ge(scale, GridValue(hn::Add(place, hn::Set(di, 1)))));
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace vetquant::kernels
HWY_AFTER_NAMESPACE();

#endif
