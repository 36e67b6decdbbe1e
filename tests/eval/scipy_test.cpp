// Intervals beside those of scipy 1.17.1 (stats.bootstrap with method="BCa" and 400,000 resamples, stats.binomtest, stats.chi2).
#include <gtest/gtest.h>

#include <cmath>
#include <span>
#include <vector>

#include "vetquant/eval/statistics.h"

namespace vetquant {
namespace {

constexpr size_t kUnits = 60;
constexpr double kConfidences[] = {90, 95, 99};

// Skewed, to three digits: round(exp(1.1 * norm.ppf((i + 0.5) / 60)), 3).
std::vector<double> skewed() {
  std::vector<double> values;
  for (size_t i = 0; i < kUnits; ++i) {
    const double quantile = normal_quantile((static_cast<double>(i) + 0.5) / kUnits);
    values.push_back(std::round(1000 * std::exp(1.1 * quantile)) / 1000);
  }
  return values;
}

// Sum over sum, as words wrong of words said; without weights a mean.
double ratio(std::span<const double> over, std::span<const double> under, std::span<const uint32_t> times) {
  double above = 0, below = 0;
  for (size_t i = 0; i < kUnits; ++i) {
    above += times[i] * over[i];
    below += times[i] * under[i];
  }
  return above / below;
}

void expect_close(const Bootstrap& bootstrap, std::span<const Interval> expected) {
  for (size_t i = 0; i < expected.size(); ++i) {
    const Interval found = bootstrap.interval(kConfidences[i]).value();
    const double width = expected[i].high - expected[i].low;
    EXPECT_NEAR(found.low, expected[i].low, 0.02 * width) << kConfidences[i];
    EXPECT_NEAR(found.high, expected[i].high, 0.02 * width) << kConfidences[i];
  }
}

TEST(Scipy, BootstrapOfASkewedMean) {
  const std::vector<double> values = skewed(), ones(kUnits, 1.0);
  const Bootstrap bootstrap(
      kUnits, [&](std::span<const uint32_t> times) { return ratio(values, ones, times); }, 1, 100000);
  const Interval expected[] = {{1.39725, 2.43303333}, {1.33858518, 2.59221826}, {1.23551584, 2.94553176}};
  expect_close(bootstrap, expected);
}

TEST(Scipy, BootstrapOfARateOfUnitsOfUnequalSize) {
  const std::vector<double> values = skewed();
  std::vector<double> sizes;
  for (size_t i = 0; i < kUnits; ++i) sizes.push_back(static_cast<double>(5 + i * 13 % 9));
  const Bootstrap bootstrap(
      kUnits, [&](std::span<const uint32_t> times) { return ratio(values, sizes, times); }, 2, 100000);
  const Interval expected[] = {{0.15448462, 0.27305077}, {0.14751008, 0.29067771}, {0.13572922, 0.33153277}};
  expect_close(bootstrap, expected);
}

TEST(Scipy, ExactIntervalsOfProportions) {
  const struct {
    double right, trials;
    Interval at[3];
  } cases[] = {
      {0, 10, {{0, 0.25886555089334723}, {0, 0.30849710781876294}, {0, 0.4112959813475254}}},
      {3,
       3712,
       {{0.00022031834854730986, 0.002087471186901655},
        {0.00016669915730710793, 0.0023600389535767597},
        {9.103961678341127e-05, 0.002954118503080752}}},
      {197,
       200,
       {{0.9616902915018108, 0.9958993866649338},
        {0.9567917180822902, 0.9968958923784449},
        {0.9461965547713416, 0.9983036190117224}}},
      {7,
       9,
       {{0.45035835049338985, 0.9589768324926209},
        {0.3999064262836879, 0.9718550265221126},
        {0.3073936492314562, 0.987876410919811}}},
  };
  for (const auto& c : cases) {
    for (size_t i = 0; i < 3; ++i) {
      const Interval found = clopper_pearson(c.right, c.trials, kConfidences[i]);
      EXPECT_NEAR(found.low, c.at[i].low, 1e-9) << c.right << " of " << c.trials;
      EXPECT_NEAR(found.high, c.at[i].high, 1e-9) << c.right << " of " << c.trials;
    }
  }
}

// McNemar's test (1947, without correction) and the score interval ask the same: does no change explain what was seen?
TEST(Scipy, TangoLeavesOutZeroWhereMcNemarFindsADifference) {
  constexpr double kPairs = 200, kCritical = 3.841458820694124;  // chi2.ppf(0.95, 1)
  int found = 0;
  for (int gained = 0; gained <= 60; ++gained) {
    for (int lost = 0; lost <= 60; ++lost) {
      if (gained + lost == 0) continue;
      const double difference = gained - lost;
      const bool differs = difference * difference / (gained + lost) > kCritical;
      const Interval interval = tango(gained, lost, kPairs, 95);
      EXPECT_EQ(interval.low > 0 || interval.high < 0, differs) << gained << ", " << lost;
      found += differs ? 1 : 0;
    }
  }
  EXPECT_GT(found, 1000);
}

}  // namespace
}  // namespace vetquant
