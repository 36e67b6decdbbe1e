// Copies a strided box of a stored tensor into memory with few, long reads.
//
// Dimensions are walked in the order in which they lie in the store, not in the order of the result. Runs whose gaps
// are smaller than what a further read costs are read as one block and scattered from a buffer, so that a column block
// of a row-major matrix (a row block of its transpose) costs one read per row or per few rows, never one per element.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "vetquant/core/transpose.h"

namespace vetquant {

// Of the buffer between the store and the target: what fits into a processor's own cache.
inline constexpr int64_t kGatherBufferBytes = 256 * 1024;

struct GatherDim {
  int64_t count = 1;
  int64_t source = 0, target = 0;  // strides in elements
};

// What to read: `source` >= 0 after planning. Outer dims are looped; each step reads `span` elements and scatters
// inner dims.
struct GatherPlan {
  std::vector<GatherDim> outer, inner;
  int64_t source = 0, target = 0;  // of the first element
  int64_t span = 1;
  bool direct = false;  // the span lies in the target as it lies in the store
};

// Splits a box whose first element is at `source` in the store. `element_bytes` (at least 1) weighs gaps against reads.
// More than one plan where a dimension is cut into blocks and leaves a rest.
std::vector<GatherPlan> plan_gather(std::vector<GatherDim> dims, int64_t source, int64_t element_bytes);

namespace detail {

// Tiles of the last two dimensions keep both sides of a transposition in the cache.
template <class T>
void scatter(const GatherDim* dims, size_t rank, const T* from, T* to) {
  if (rank == 0) {
    *to = *from;
    return;
  }
  if (rank == 1) {
    for (int64_t i = 0; i < dims[0].count; ++i) to[i * dims[0].target] = from[i * dims[0].source];
    return;
  }
  if (rank > 2) {
    for (int64_t i = 0; i < dims[0].count; ++i) {
      scatter(dims + 1, rank - 1, from + i * dims[0].source, to + i * dims[0].target);
    }
    return;
  }
  constexpr int64_t kTile = 32;
  const GatherDim a = dims[0], b = dims[1];
  if constexpr (std::is_same_v<T, float>) {
    if (a.target == 1 && b.source == 1) {
      return transpose(from, a.source, to, b.target, static_cast<size_t>(a.count), static_cast<size_t>(b.count));
    }
  }
  for (int64_t begin = 0; begin < b.count; begin += kTile) {
    const int64_t end = std::min(begin + kTile, b.count);
    for (int64_t i = 0; i < a.count; ++i) {
      const T* row = from + i * a.source;
      T* column = to + i * a.target;
      for (int64_t j = begin; j < end; ++j) column[j * b.target] = row[j * b.source];
    }
  }
}

}  // namespace detail

// load(first, count, T*) reads consecutive stored elements. `out` is the target of the box's first element.
template <class T, class Load>
void gather(const GatherPlan& plan, const Load& load, T* out) {
  const auto read = [&](int64_t first, T* to) {
    load(static_cast<uint64_t>(first), static_cast<uint64_t>(plan.span), to);
  };
  // Steps of the last outer dimension that share a buffer, so that short runs are scattered as one matrix.
  std::vector<GatherDim> outer = plan.outer, inner = plan.inner;
  GatherDim steps;
  if (!plan.direct) {
    if (!outer.empty()) {
      steps = outer.back();
      outer.pop_back();
    }
    inner.insert(inner.begin(), GatherDim{1, plan.span, steps.target});
  }
  const int64_t fit = kGatherBufferBytes / (plan.span * static_cast<int64_t>(sizeof(T)));
  const int64_t together = std::clamp<int64_t>(fit, 1, steps.count);
  std::vector<T> buffer(plan.direct ? 0 : static_cast<size_t>(plan.span * together));
  std::vector<int64_t> index(outer.size(), 0);
  int64_t source = plan.source, target = plan.target;
  while (true) {
    if (plan.direct) read(source, out + target);
    for (int64_t done = 0; !plan.direct && done < steps.count; done += together) {
      inner[0].count = std::min(together, steps.count - done);
      for (int64_t i = 0; i < inner[0].count; ++i)
        read(source + (done + i) * steps.source, buffer.data() + i * plan.span);
      detail::scatter(inner.data(), inner.size(), buffer.data(), out + target + done * steps.target);
    }
    size_t d = outer.size();
    for (; d > 0; --d) {
      const GatherDim& dim = outer[d - 1];
      source += dim.source;
      target += dim.target;
      if (++index[d - 1] < dim.count) break;
      source -= dim.source * dim.count;
      target -= dim.target * dim.count;
      index[d - 1] = 0;
    }
    if (d == 0) return;
  }
}

}  // namespace vetquant
