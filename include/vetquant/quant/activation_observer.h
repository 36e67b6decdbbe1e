// Streaming statistics of one activation: any number of values in a few kilobytes, each value seen once.
//
// Histogram: intervals [i 2^e, (i+1) 2^e) with the smallest e >= ilogb(max |x|) - 23 for which all values lie within kBins
// of them. When a value lies outside, e grows and neighbours are added up, which is exact: so counts and e depend on
// the values alone, neither on their order nor on how they were divided among observers. Minimum, maximum and all counts
// likewise. Mean, deviation and the samples' extremes are sums of doubles: merged in the same order they are the same.
//
// Source of the merged deviation: Chan, Golub, LeVeque 1979, "Updating formulae and a pairwise algorithm".
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vetquant/core/byte_stream.h"

namespace vetquant::quant {

class GrowingHistogram {
 public:
  static constexpr size_t kBins = 4096;  // at least half of them are in use where the values are spread

  void add(std::span<const float> values);  // finite
  void merge(const GrowingHistogram& other);
  bool empty() const { return counts_.empty(); }
  int exponent() const { return exponent_; }
  int64_t first() const { return first_; }                         // i of counts()[0]
  const std::vector<uint64_t>& counts() const { return counts_; }  // neither end is 0
  double low_of(size_t bin) const;                                 // where counts()[bin] begins
  double width() const;

  void write(ByteWriter& writer) const;
  static GrowingHistogram read(ByteReader& reader, ErrorCode code);  // Error{code} where it is none
  bool operator==(const GrowingHistogram&) const = default;

 private:
  void make_room(float minimum, float maximum);
  void coarsen(int exponent);
  void cover(int64_t first, int64_t last);
  static constexpr int kFinest = -149;  // every float is a multiple of 2^-149
  int exponent_ = kFinest;
  int64_t first_ = 0;
  std::vector<uint64_t> counts_;
};

class ActivationObserver {
 public:
  void add(std::span<const float> values);
  void end_sample();                            // what was added since the last call is one sample
  void merge(const ActivationObserver& later);  // whole samples

  uint64_t values() const { return finite_ + nans_ + infinities_; }
  uint64_t finite() const { return finite_; }
  uint64_t zeros() const { return zeros_; }
  uint64_t nans() const { return nans_; }
  uint64_t infinities() const { return infinities_; }
  // Of the finite values; 0 where there is none.
  float minimum() const { return minimum_; }
  float maximum() const { return maximum_; }
  double mean() const { return mean_; }
  double deviation() const;
  // The mean over the samples that have a finite value of their minima and maxima.
  double mean_minimum() const { return samples_ == 0 ? 0 : minima_ / static_cast<double>(samples_); }
  double mean_maximum() const { return samples_ == 0 ? 0 : maxima_ / static_cast<double>(samples_); }
  const GrowingHistogram& histogram() const { return histogram_; }

  void write(ByteWriter& writer) const;
  static ActivationObserver read(ByteReader& reader, ErrorCode code);  // Error{code} where it is none
  bool operator==(const ActivationObserver&) const = default;

 private:
  void add_finite(std::span<const float> values);
  void add_moments(uint64_t count, double mean, double squares);

  uint64_t finite_ = 0, zeros_ = 0, nans_ = 0, infinities_ = 0, samples_ = 0;
  float minimum_ = 0, maximum_ = 0;
  double mean_ = 0, squares_ = 0;   // squares: the sum of squared distances from the mean
  double minima_ = 0, maxima_ = 0;  // sums over the samples
  uint64_t of_sample_ = 0;          // finite values of the sample at hand, and their extremes
  float sample_minimum_ = 0, sample_maximum_ = 0;
  GrowingHistogram histogram_;
};

}  // namespace vetquant::quant
