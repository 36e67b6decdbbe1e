// How far two tensors are apart, summed in fixed order with compensation (Knuth's exact two-sum) in 16 lanes, lane i of the
// values i, i + 16, ...: tiles of any size in stream order give the same figure, on every instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace vetquant {

// The sums: of r^2, v^2, r v and (r - v)^2, by lane, and the rounding errors of each; the largest |r - v|.
struct DistortionLanes {
  static constexpr size_t kLanes = 16;
  double sum[4][kLanes] = {};
  double compensation[4][kLanes] = {};
  double largest[kLanes] = {};
};

class Distortion {
 public:
  void add(std::span<const float> reference, std::span<const float> value);
  void merge(const Distortion& later);  // of the part that follows; the order of merging is part of the result
  uint64_t count() const { return count_; }
  double sqnr_db() const;  // 10 log10(sum r^2 / sum (r-v)^2); +inf where equal
  double mean_squared_error() const;
  double max_error() const;  // max |r - v|
  double cosine() const;     // of the two as vectors; 1 where both are zero

 private:
  double total(size_t quantity) const;
  DistortionLanes lanes_;
  uint64_t count_ = 0;
};

}  // namespace vetquant
