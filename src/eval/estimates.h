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

// `right` holds 0 and 1. Clopper-Pearson; with clusters for the effective number (Korn and Graubard 1998). In percent.
Estimate proportion(const Clusters& clusters, const std::vector<double>& right, const StatisticsSettings& settings);
// Tango's score interval of a difference of paired proportions, likewise. In percentage points.
Estimate paired_difference(const Clusters& clusters, const std::vector<double>& own, const std::vector<double>& base,
                           const StatisticsSettings& settings);

// BCa. Where no resample differs, the bootstrap knows nothing; the interval and method of `instead`,
// a matching proportion's, are taken.
Estimate bootstrapped(const Clusters& clusters, size_t samples, const Bootstrap::Statistic& statistic,
                      const Estimate& instead, const StatisticsSettings& settings);

}  // namespace vetquant
