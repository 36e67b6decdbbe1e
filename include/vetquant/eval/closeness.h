// How close a model's outputs are to the baseline's: SQNR, cosine, errors, agreement of decisions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "vetquant/eval/metric.h"
#include "vetquant/eval/test_set.h"

namespace vetquant {

// Identical outputs have no finite SQNR: they are shown as this, and nothing goes beyond it.
inline constexpr double kMostSqnrDb = 200;

// Sums over the elements of one output in one sample (all its steps).
struct Closeness {
  double signal = 0, noise = 0, dot = 0, own_square = 0;  // squares of baseline, difference, product, own
  double error_sum = 0, error_max = 0;
  uint64_t elements = 0;
  uint64_t decisions = 0, agreed = 0;  // argmax of each row, threshold, or equality of integers
  uint64_t broken = 0;                 // NaN or Inf where the baseline has a number

  double sqnr_db() const;
  double cosine() const;
  double mean_error() const;
  double agreement() const;
};

// Adds one step. Error{kGate} where the shapes differ. `threshold`: null, or where the output's decision turns.
void add_closeness(const HostTensor& base, const HostTensor& own, const double* threshold, const std::string& name,
                   Closeness& sum);

// samples: for each output, one Closeness for each sample of the set.
std::vector<Metric> closeness_metrics(const TestSet& set, const std::map<std::string, std::vector<Closeness>>& samples,
                                      const StatisticsSettings& settings);

}  // namespace vetquant
