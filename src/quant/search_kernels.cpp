#include "search_kernels.h"

#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "search_kernels.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each instruction set
#include <hwy/highway.h>

#include "codes-inl.h"
#include "log_grid-inl.h"

HWY_BEFORE_NAMESPACE();
namespace vetquant::kernels {
namespace HWY_NAMESPACE {
namespace {

// Shares of the whole range. Beyond 1 too: a slightly wider grid may fit the values better than one that just reaches the
// largest.
constexpr float kCoarse[] = {0.92f, 0.84f, 0.76f, 0.68f, 0.60f, 0.52f, 0.44f, 0.36f};
constexpr float kFine[] = {-0.06f, -0.04f, -0.02f, 0.02f, 0.04f, 0.06f};
constexpr int32_t kMostGridSteps = 18;
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
    Begin();
    Descend(std::size(kCoarse), [&](size_t step) HWY_ATTR { return Shrunk(hn::Set(d, kCoarse[step])); });
    const auto middle = best_.keep;
    for (const float step : kFine) Try(Shrunk(hn::Add(middle, hn::Set(d, step))), Always());
    return SurelyBest();
  }

  HWY_INLINE Vector RunOnGrid() {
    const Ints di;
    const Places whole_place = FloorPlace(whole_);
    const auto at = [&](int32_t step) HWY_ATTR {
      const Places moved = hn::Max(hn::Add(whole_place, hn::Set(di, step)), hn::Zero(di));
      return Candidate{GridValue(moved), hn::Zero(Floats())};
    };
    Begin();
    Try(at(1), Always());
    Descend(kMostGridSteps, [&](size_t step) HWY_ATTR { return at(-1 - static_cast<int32_t>(step)); });
    return SurelyBest();
  }

 private:
  struct Candidate {
    Vector scale, keep;  // keep: the share of the whole range, before it was rounded
  };

  HWY_INLINE Mask Always() const { return hn::Eq(whole_, whole_); }

  HWY_INLINE Candidate Shrunk(Vector keep) const {
    const auto scale = hn::Mul(whole_, keep);
    return {half_scales_ ? ToNormalHalf(scale) : scale, keep};
  }

  HWY_INLINE void Begin() {
    best_ = {whole_, hn::Set(Floats(), 1.0f)};
    least_ = of_whole_ = Error(whole_);
  }

  // candidate(0), candidate(1), ... until two in a row are worse than the best.
  template <class Fn>
  HWY_INLINE void Descend(size_t steps, const Fn& candidate) {
    const Floats d;
    auto worse = hn::Zero(d);
    for (size_t step = 0; step < steps; ++step) {
      const auto searching = hn::Lt(worse, hn::Set(d, 2.0f));
      if (hn::AllFalse(d, searching)) break;
      const auto better = Try(candidate(step), searching);
      const auto next = hn::IfThenElse(better, hn::Zero(d), hn::Add(worse, hn::Set(d, 1.0f)));
      worse = hn::IfThenElse(searching, next, worse);
    }
  }

  HWY_INLINE Mask Try(Candidate candidate, Mask allowed) {
    const auto error = Error(candidate.scale);
    const auto better = hn::And(hn::Lt(error, least_), allowed);
    least_ = hn::IfThenElse(better, error, least_);
    best_ = {hn::IfThenElse(better, candidate.scale, best_.scale), hn::IfThenElse(better, candidate.keep, best_.keep)};
    return better;
  }

  HWY_INLINE Vector SurelyBest() const {
    const Floats d;
    const auto wrong =
        hn::Add(hn::Mul(least_, hn::Set(d, kMargin)), hn::Set(d, kMarginPerValue * static_cast<float>(length_)));
    return hn::IfThenElse(hn::Lt(hn::Add(least_, wrong), of_whole_), best_.scale, whole_);
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

  const float* values_;
  size_t length_;
  bool half_scales_;
  Vector whole_, low_, high_, of_whole_, least_;
  Candidate best_;
};

HWY_ATTR void SearchLanes(const CodeRule& rule, const LaneSearch& search, float* scale) {
  const Floats d;
  for (size_t lane = 0; lane < kSearchLanes; lane += hn::Lanes(d)) {
    hn::StoreU(Search(rule, search, lane).Run(), d, scale + lane);
  }
}

HWY_ATTR void SearchGridLanes(const CodeRule& rule, const LaneSearch& search, float* scale) {
  const Floats d;
  for (size_t lane = 0; lane < kSearchLanes; lane += hn::Lanes(d)) {
    hn::StoreU(Search(rule, search, lane).RunOnGrid(), d, scale + lane);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace vetquant::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vetquant::kernels {

HWY_EXPORT(SearchLanes);
HWY_EXPORT(SearchGridLanes);

void search_lanes(const CodeRule& rule, const LaneSearch& search, float* scale) {
  HWY_DYNAMIC_DISPATCH(SearchLanes)(rule, search, scale);
}

void search_grid_lanes(const CodeRule& rule, const LaneSearch& search, float* scale) {
  HWY_DYNAMIC_DISPATCH(SearchGridLanes)(rule, search, scale);
}

}  // namespace vetquant::kernels
#endif
