// How far two tensors are apart, summed in fixed order with compensation (Neumaier 1974) so that tiles of any size in
// stream order give the same figure.
#pragma once

#include <cstdint>
#include <span>

namespace vetquant {

class Distortion {
 public:
  void add(std::span<const float> reference, std::span<const float> value);
  void merge(const Distortion& later);  // of the part that follows; the order of merging is part of the result
  uint64_t count() const { return count_; }
  double sqnr_db() const;        // 10 log10(sum r^2 / sum (r-v)^2); +inf where equal
  double mean_squared_error() const;
  double max_error() const { return max_error_; }   // max |r - v|
  double cosine() const;         // of the two as vectors; 1 where both are zero

 private:
  struct Sum {
    double sum = 0, compensation = 0;
    void add(double x);
    double value() const { return sum + compensation; }
  };
  Sum reference2_, value2_, product_, error2_;
  double max_error_ = 0;
  uint64_t count_ = 0;
};

}  // namespace vetquant
