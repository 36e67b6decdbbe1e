// Intervals that stay honest where samples are few, skewed or all alike. docs/judging.md tells which metric takes which.
//
// Proportions: Clopper-Pearson 1934. Rates, and proportions of clustered items: Korn and Graubard 1998 (effective sample size)
// or the bootstrap-t, whichever reaches further. Differences of paired proportions and rates: the score interval of Tango
// 1998; of clustered items with Rao and Scott's (1992) design effect. Means and everything else: BCa (Efron 1987). Medians: order statistics. An interval of a proportion never has width 0.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace vetquant {

struct Interval {
  double low = 0, high = 0;
};

double normal_cdf(double x);
double normal_quantile(double p);                      // Wichura 1988 (AS 241); 0 < p < 1
double incomplete_beta(double a, double b, double x);  // regularized; a, b > 0
double beta_quantile(double a, double b, double p);

// `successes` and `trials` may be fractions: counts divided by a design effect.
Interval clopper_pearson(double successes, double trials, double confidence_pct);

// Of p(new right) - p(base right) from n pairs: `gained` only the new one is right, `lost` only the base is. In [-1, 1].
Interval tango(double gained, double lost, double pairs, double confidence_pct);

// How much a cluster sample is worth less than independent items: variance between clusters over that of independent
// items, at least 1. `clusters`: of each item, numbered from 0; empty means that each item is its own. 1 where all values are equal.
double design_effect(std::span<const double> values, std::span<const uint32_t> clusters);

// BCa from one bootstrap, for any number of confidences. `statistic` sees how often each unit was drawn.
class Bootstrap {
 public:
  using Statistic = std::function<double(std::span<const uint32_t> times_drawn)>;
  static constexpr size_t kLeastUnits = 5;  // fewer say nothing about their spread

  Bootstrap(size_t units, const Statistic& statistic, uint64_t seed, int resamples);
  double value() const { return value_; }
  // nullopt: fewer than kLeastUnits units, or a statistic that is not finite.
  std::optional<Interval> interval(double confidence_pct) const;
  bool all_alike() const;  // every resample gave the same: the interval has width 0

 private:
  double value_ = 0, bias_ = 0, acceleration_ = 0;
  std::vector<double> replicates_;  // sorted
};

// Bootstrap-t of a rate sum(over) / sum(under) of independent units, with the linearized standard error (Efron and Tibshirani
// 1993, chapter 12): better than BCa where few units make most of the errors. A bound is infinite where too many resamples
// drew units of one kind only.
class RateBootstrap {
 public:
  RateBootstrap(std::span<const double> over, std::span<const double> under, uint64_t seed, int resamples);
  double value() const { return value_; }
  std::optional<Interval> interval(double confidence_pct) const;  // nullopt: fewer than Bootstrap::kLeastUnits units

 private:
  double value_ = 0, error_ = 0;
  std::vector<double> scores_;  // sorted
};

double median(std::vector<double> values);
// Nonparametric; nullopt where so few values cannot give the confidence (below 6 for 95 %).
std::optional<Interval> median_interval(std::vector<double> values, double confidence_pct);

// Sum in a fixed order with compensation (Neumaier).
class Sum {
 public:
  void add(double value);
  double value() const { return sum_ + rest_; }

 private:
  double sum_ = 0, rest_ = 0;
};

}  // namespace vetquant
