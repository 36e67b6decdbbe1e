#include "vetquant/core/transpose.h"

#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "transpose.cpp"
#include <hwy/foreach_target.h>  // includes this file once for each instruction set
#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace vetquant::transposition {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

HWY_ATTR void Transpose(const float* from, ptrdiff_t from_stride, float* to, ptrdiff_t to_stride, size_t rows,
                        size_t columns) {
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < columns; ++c) {
      to[static_cast<ptrdiff_t>(c) * to_stride + static_cast<ptrdiff_t>(r)] =
          from[static_cast<ptrdiff_t>(r) * from_stride + static_cast<ptrdiff_t>(c)];
    }
  }
}

#else

using Four = hn::FixedTag<float, 4>;
using Two = hn::RepartitionToWide<Four>;  // pairs of floats, moved as one double

HWY_INLINE void Block(const float* from, ptrdiff_t from_stride, float* to, ptrdiff_t to_stride) {
  const Four d;
  const Two pairs;
  const auto a = hn::LoadU(d, from), b = hn::LoadU(d, from + from_stride), c = hn::LoadU(d, from + 2 * from_stride),
             e = hn::LoadU(d, from + 3 * from_stride);
  const auto low = hn::BitCast(pairs, hn::InterleaveLower(d, a, b));    // a0 b0 a1 b1
  const auto high = hn::BitCast(pairs, hn::InterleaveUpper(d, a, b));   // a2 b2 a3 b3
  const auto low2 = hn::BitCast(pairs, hn::InterleaveLower(d, c, e));   // c0 e0 c1 e1
  const auto high2 = hn::BitCast(pairs, hn::InterleaveUpper(d, c, e));  // c2 e2 c3 e3
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low, low2)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low, low2)), d, to + to_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high, high2)), d, to + 2 * to_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high, high2)), d, to + 3 * to_stride);
}

HWY_ATTR void Transpose(const float* from, ptrdiff_t from_stride, float* to, ptrdiff_t to_stride, size_t rows,
                        size_t columns) {
  const auto at = [](size_t i) { return static_cast<ptrdiff_t>(i); };
  const auto plain = [&](size_t row, size_t row_end, size_t column, size_t column_end) {
    for (size_t r = row; r < row_end; ++r) {
      for (size_t c = column; c < column_end; ++c) to[at(c) * to_stride + at(r)] = from[at(r) * from_stride + at(c)];
    }
  };
  const size_t whole_columns = columns & ~size_t{3};
  // Sixteen rows at a time fill whole cache lines of the result.
  for (size_t begin = 0; begin < rows; begin += 16) {
    const size_t end = std::min(begin + 16, rows), whole_end = begin + ((end - begin) & ~size_t{3});
    for (size_t c = 0; c < whole_columns; c += 4) {
      for (size_t r = begin; r < whole_end; r += 4) {
        Block(from + at(r) * from_stride + at(c), from_stride, to + at(c) * to_stride + at(r), to_stride);
      }
    }
    plain(begin, whole_end, whole_columns, columns);
    plain(whole_end, end, 0, columns);
  }
}

#endif

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace vetquant::transposition
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vetquant {
namespace transposition {
HWY_EXPORT(Transpose);
}  // namespace transposition

void transpose(const float* from, ptrdiff_t from_stride, float* to, ptrdiff_t to_stride, size_t rows, size_t columns) {
  using namespace transposition;
  HWY_DYNAMIC_DISPATCH(Transpose)(from, from_stride, to, to_stride, rows, columns);
}

}  // namespace vetquant
#endif
