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

using Vector = hn::VFromD<Floats>;

// Shares of the whole range. Beyond 1 too: a slightly wider grid may fit the values better than one that just reaches the
// largest.
constexpr float kCoarse[] = {0.92f, 0.84f, 0.76f, 0.68f, 0.60f, 0.52f, 0.44f, 0.36f};
constexpr float kFine[] = {-0.06f, -0.04f, -0.02f, 0.02f, 0.04f, 0.06f};
// Quotients are off by 2^-22 of a code of at most 2^8, which turns a sum of squares by less than a thousandth, and one of
// codes that are all but exact by less than 1e-8 a value.
constexpr float kMargin = 1e-3f, kMarginPerValue = 1e-8f;

// To the nearest half, ties to even; normal halves only.
HWY_INLINE Vector ToNormalHalf(Vector value) {
  const Floats d;
  const Ints di;
  const auto bits = hn::BitCast(di, value);
  const auto even = hn::And(hn::ShiftRight<13>(bits), hn::Set(di, 1));
  const auto rounded = hn::Add(hn::Add(bits, hn::Set(di, 0xFFF)), even);
  return hn::BitCast(d, hn::And(rounded, hn::Set(di, ~0x1FFF)));
}

// As many groups as a vector has lanes.
class Search {
 public:
  HWY_INLINE Search(const CodeRule& rule, const LaneSearch& search, size_t lane)
      : values_(search.interleaved + lane), length_(search.length), half_scales_(search.half_scales) {
    const Floats d;
    const auto zero = hn::LoadU(d, search.zero_point + lane);
    whole_ = hn::LoadU(d, search.whole + lane);
    // The code's distance from the zero point is clamped and rounded.
    low_ = hn::Sub(hn::Set(d, rule.low), zero);
    high_ = hn::Sub(hn::Set(d, rule.high), zero);
  }

  HWY_INLINE Vector Run() {
    const Floats d;
    const auto first = Error(whole_);
    best_ = first;
    best_scale_ = whole_;
    best_keep_ = hn::Set(d, 1.0f);
    auto worse = hn::Zero(d);
    for (const float keep : kCoarse) {
      const auto searching = hn::Lt(worse, hn::Set(d, 2.0f));
      if (hn::AllFalse(d, searching)) break;
      const auto better = Try(hn::Set(d, keep), searching);
      const auto next = hn::IfThenElse(better, hn::Zero(d), hn::Add(worse, hn::Set(d, 1.0f)));
      worse = hn::IfThenElse(searching, next, worse);
    }
    const auto middle = best_keep_, all = hn::Zero(d);
    for (const float step : kFine) Try(hn::Add(middle, hn::Set(d, step)), hn::Eq(all, all));
    return SurelyBetter(best_scale_, best_, first);
  }

  HWY_INLINE Vector Choose(Vector candidate) const { return SurelyBetter(candidate, Error(candidate), Error(whole_)); }

 private:
  HWY_INLINE Vector SurelyBetter(Vector scale, Vector error, Vector of_whole) const {
    const Floats d;
    const auto wrong =
        hn::Add(hn::Mul(error, hn::Set(d, kMargin)), hn::Set(d, kMarginPerValue * static_cast<float>(length_)));
    return hn::IfThenElse(hn::Lt(hn::Add(error, wrong), of_whole), scale, whole_);
  }

  // In units of the whole range's scale, squared.
  HWY_INLINE Vector Error(Vector scale) const {
    const Floats d;
    const auto reciprocal = hn::Div(hn::Set(d, 1.0f), scale);
    const auto squared = [&](size_t i) HWY_ATTR {
      const auto code = hn::Mul(hn::LoadU(d, values_ + i * kSearchLanes), reciprocal);
      const auto error = hn::Sub(code, hn::Round(hn::Min(hn::Max(code, low_), high_)));
      return hn::Mul(error, error);
    };
    auto sum0 = hn::Zero(d), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    size_t i = 0;
    for (; i + 4 <= length_; i += 4) {
      sum0 = hn::Add(sum0, squared(i));
      sum1 = hn::Add(sum1, squared(i + 1));
      sum2 = hn::Add(sum2, squared(i + 2));
      sum3 = hn::Add(sum3, squared(i + 3));
    }
    if (i < length_) sum0 = hn::Add(sum0, squared(i));
    if (i + 1 < length_) sum1 = hn::Add(sum1, squared(i + 1));
    if (i + 2 < length_) sum2 = hn::Add(sum2, squared(i + 2));
    const auto ratio = hn::Div(scale, whole_);
    return hn::Mul(hn::Add(hn::Add(sum0, sum2), hn::Add(sum1, sum3)), hn::Mul(ratio, ratio));
  }

  template <class Mask>
  HWY_INLINE Mask Try(Vector keep, Mask allowed) {
    auto scale = hn::Mul(whole_, keep);
    if (half_scales_) scale = ToNormalHalf(scale);
    const auto error = Error(scale);
    const auto better = hn::And(hn::Lt(error, best_), allowed);
    best_ = hn::IfThenElse(better, error, best_);
    best_scale_ = hn::IfThenElse(better, scale, best_scale_);
    best_keep_ = hn::IfThenElse(better, keep, best_keep_);
    return better;
  }

  const float* values_;
  size_t length_;
  bool half_scales_;
  Vector whole_, low_, high_, best_, best_scale_, best_keep_;
};

HWY_ATTR void SearchLanes(const CodeRule& rule, const LaneSearch& search, float* scale) {
  const Floats d;
  for (size_t lane = 0; lane < kSearchLanes; lane += hn::Lanes(d)) {
    hn::StoreU(Search(rule, search, lane).Run(), d, scale + lane);
  }
}

HWY_ATTR void ChooseLanes(const CodeRule& rule, const LaneSearch& search, const float* candidate, float* scale) {
  const Floats d;
  for (size_t lane = 0; lane < kSearchLanes; lane += hn::Lanes(d)) {
    hn::StoreU(Search(rule, search, lane).Choose(hn::LoadU(d, candidate + lane)), d, scale + lane);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace vetquant::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vetquant::kernels {

HWY_EXPORT(SearchLanes);
HWY_EXPORT(ChooseLanes);

void search_lanes(const CodeRule& rule, const LaneSearch& search, float* scale) {
  HWY_DYNAMIC_DISPATCH(SearchLanes)(rule, search, scale);
}

void choose_lanes(const CodeRule& rule, const LaneSearch& search, const float* candidate, float* scale) {
  HWY_DYNAMIC_DISPATCH(ChooseLanes)(rule, search, candidate, scale);
}

}  // namespace vetquant::kernels
#endif
