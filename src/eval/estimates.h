// Estimates of shares and of what only the bootstrap can judge, with clusters.
#pragma once

#include <functional>
#include <vector>

#include "vetquant/eval/metric.h"

namespace vetquant {

inline constexpr double kPercent = 100;

// What goes together when samples are drawn: clusters[i] of `count`; empty: every sample by itself.
struct Clusters {
  std::vector<uint32_t> of;
  uint32_t count = 0;
  std::string unit;  // what a sample is called
};
Clusters clusters_of(const TestSet& set);

// The clusters of some samples only, numbered anew.
Clusters part_of(const Clusters& clusters, const std::vector<size_t>& samples);

std::vector<double> as_doubles(size_t n, const std::function<double(size_t)>& value);

// Sum(over) / sum(under) of samples, in percent, drawn by cluster: of Korn and Graubard's (1998) bounds, which know how often
// what is rare may hide, and the bootstrap-t's, which know how few samples make most of the sum, the further ones. No interval
// where there are fewer than Bootstrap::kLeastUnits units.
Estimate rate(const Clusters& clusters, const std::vector<double>& over, const std::vector<double>& under,
              const StatisticsSettings& settings);

// `right` holds 0 and 1. Clopper-Pearson; with clusters as a rate. In percent.
Estimate proportion(const Clusters& clusters, const std::vector<double>& right, const StatisticsSettings& settings);
// Tango's score interval of a difference of paired proportions, likewise. In percentage points.
Estimate paired_difference(const Clusters& clusters, const std::vector<double>& own, const std::vector<double>& base,
                           const StatisticsSettings& settings);

// Difference of two rates, in percentage points: own over / own under - base over / base under, sums over samples, own under's
// being `total`. `changes`: of each sample over's change less the base's rate of under's change, so that they sum up to the
// difference times `total`; most are 0 where models rarely disagree, and there a bootstrap promises too much (82 % instead of 95
// where 5 of 200 clips differ, in simulation: tests/eval/coverage_main.cpp). So Tango's interval of the signs is scaled by the
// root mean square of the changes (by 1, one error, where there is none) and shifted to the difference.
Estimate paired_rate_difference(const Clusters& clusters, const std::vector<double>& changes, double total,
                                const StatisticsSettings& settings);

// BCa. Where no resample differs, the bootstrap knows nothing; the interval and method of `instead`,
// a matching proportion's, are taken.
Estimate bootstrapped(const Clusters& clusters, size_t samples, const Bootstrap::Statistic& statistic,
                      const Estimate& instead, const StatisticsSettings& settings);

}  // namespace vetquant
