#include "vetquant/eval/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "vetquant/eval/random.h"

namespace vetquant {
namespace {

TEST(Normal, QuantileAndCdfMatchTables) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-12);
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-15);
  EXPECT_NEAR(normal_quantile(1e-10), -6.361340902404, 1e-9);
  EXPECT_NEAR(normal_cdf(1.959963984540054), 0.975, 1e-14);
  for (const double p : {0.001, 0.07, 0.3, 0.6, 0.93, 0.9999}) EXPECT_NEAR(normal_cdf(normal_quantile(p)), p, 1e-13);
}

TEST(Beta, MatchesClosedForms) {
  EXPECT_NEAR(incomplete_beta(1, 1, 0.3), 0.3, 1e-14);
  EXPECT_NEAR(incomplete_beta(2, 1, 0.3), 0.09, 1e-14);
  EXPECT_NEAR(incomplete_beta(3, 2, 0.5), 0.3125, 1e-14);  // 4 x^3 - 3 x^4
  EXPECT_NEAR(beta_quantile(2, 1, 0.25), 0.5, 1e-12);
  EXPECT_NEAR(incomplete_beta(5000, 5001, 0.5), 0.504, 1e-3);
}

TEST(ClopperPearson, MatchesPublishedIntervals) {
  const Interval newcombe = clopper_pearson(81, 263, 95);  // Newcombe 1998, table I
  EXPECT_NEAR(newcombe.low, 0.2527367456, 1e-9);
  EXPECT_NEAR(newcombe.high, 0.3676219226, 1e-9);
  const Interval half = clopper_pearson(10, 20, 95);
  EXPECT_NEAR(half.low, 0.2719578496, 1e-9);
  EXPECT_NEAR(half.high, 0.7280421504, 1e-9);
}

TEST(ClopperPearson, NothingOrEverythingStillHasWidth) {
  const Interval none = clopper_pearson(0, 10, 95), all = clopper_pearson(10, 10, 95);
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 0.3084971078, 1e-9);  // 1 - 0.025^(1/10)
  EXPECT_NEAR(all.low, 1 - 0.3084971078, 1e-9);
  EXPECT_EQ(all.high, 1);
}

TEST(ClopperPearson, CoversAtLeastItsConfidence) {
  Random random(3);
  int covered = 0;
  constexpr int kTrials = 2000;
  for (int t = 0; t < kTrials; ++t) {
    int successes = 0;
    for (int i = 0; i < 40; ++i) successes += random.uniform() < 0.97 ? 1 : 0;
    const Interval interval = clopper_pearson(successes, 40, 95);
    covered += interval.low <= 0.97 && 0.97 <= interval.high ? 1 : 0;
  }
  EXPECT_GE(covered, kTrials * 0.95);
}

// Second opinion: the multinomial likelihood maximised numerically under the supposed difference, in Python. The first
// pair is the approval-rating table of Agresti, Categorical Data Analysis (2002), section 10.1: 1600 people, 86 and 150.
TEST(Tango, MatchesConstrainedLikelihood) {
  const Interval approval = tango(86, 150, 1600, 95);
  EXPECT_NEAR(approval.low, -0.0589980333, 1e-8);
  EXPECT_NEAR(approval.high, -0.0213615645, 1e-8);
  const Interval single = tango(1, 0, 50, 95);
  EXPECT_NEAR(single.low, -0.0527745503, 1e-8);
  EXPECT_NEAR(single.high, 0.1049544359, 1e-8);
  const Interval table = tango(12, 9, 73, 95);
  EXPECT_NEAR(table.low, -0.0855517617, 1e-8);
  EXPECT_NEAR(table.high, 0.1679616593, 1e-8);
}

TEST(Tango, NoDisagreementStillHasWidth) {
  const double z2 = 1.959963984540054 * 1.959963984540054;
  const Interval interval = tango(0, 0, 100, 95);
  EXPECT_NEAR(interval.high, z2 / (100 + z2), 1e-9);  // closed form: n d / (1 - d) = z^2
  EXPECT_NEAR(interval.low, -z2 / (100 + z2), 1e-9);
  const Interval mirrored = tango(5, 0, 30, 95), other = tango(0, 5, 30, 95);
  EXPECT_NEAR(mirrored.low, -other.high, 1e-9);
}

TEST(Tango, CoversAboutItsConfidenceWithFewDisagreements) {
  Random random(4);
  int covered = 0;
  constexpr int kTrials = 2000;
  const double truth = 0.01 - 0.03;
  for (int t = 0; t < kTrials; ++t) {
    int gained = 0, lost = 0;
    for (int i = 0; i < 100; ++i) {
      const double u = random.uniform();
      gained += u < 0.01 ? 1 : 0;
      lost += u >= 0.01 && u < 0.04 ? 1 : 0;
    }
    const Interval interval = tango(gained, lost, 100, 95);
    covered += interval.low <= truth && truth <= interval.high ? 1 : 0;
  }
  EXPECT_GT(covered, kTrials * 0.93);
  EXPECT_LT(covered, kTrials * 0.995);
}

TEST(DesignEffect, IsOneForIndependentItemsAndClusterSizeForCopies) {
  const std::vector<double> values = {1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0};
  EXPECT_EQ(design_effect(values, {}), 1);
  const std::vector<uint32_t> copies = {0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3};
  EXPECT_NEAR(design_effect(values, copies), 3.0 * 4 / 3, 1e-12);  // cluster size 3, and g / (g - 1) for 4 clusters
  const std::vector<uint32_t> mixed = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2};
  EXPECT_EQ(design_effect(values, mixed), 1);  // clusters are alike: never below 1
  EXPECT_EQ(design_effect(std::vector<double>(12, 1.0), copies), 1);
}

TEST(Bootstrap, OfAMeanIsCloseToTheNormalInterval) {
  Random random(5);
  std::vector<double> values(200);
  for (double& value : values) value = 3 + 2 * random.normal();
  const Bootstrap bootstrap(
      values.size(),
      [&](std::span<const uint32_t> times) {
        double sum = 0, count = 0;
        for (size_t i = 0; i < values.size(); ++i) {
          sum += times[i] * values[i];
          count += times[i];
        }
        return sum / count;
      },
      1, 4000);
  const Interval interval = bootstrap.interval(95).value();
  EXPECT_NEAR(interval.low, bootstrap.value() - 1.96 * 2 / std::sqrt(200.0), 0.06);
  EXPECT_NEAR(interval.high, bootstrap.value() + 1.96 * 2 / std::sqrt(200.0), 0.06);
  EXPECT_LT(bootstrap.interval(99)->low, interval.low);
  EXPECT_FALSE(bootstrap.all_alike());
}

TEST(Bootstrap, OfSkewedMeansCoversBetterThanNinetyPercent) {
  Random random(6);
  int covered = 0;
  constexpr int kTrials = 200;
  for (int t = 0; t < kTrials; ++t) {
    std::vector<double> values(40);
    for (double& value : values) value = -std::log(1 - random.uniform());  // exponential: mean 1
    const Bootstrap bootstrap(
        values.size(),
        [&](std::span<const uint32_t> times) {
          double sum = 0;
          for (size_t i = 0; i < values.size(); ++i) sum += times[i] * values[i];
          return sum / 40;
        },
        static_cast<uint64_t>(t), 600);
    const Interval interval = bootstrap.interval(95).value();
    covered += interval.low <= 1 && 1 <= interval.high ? 1 : 0;
  }
  EXPECT_GT(covered, kTrials * 0.90);
  EXPECT_LT(covered, kTrials);
}

TEST(Bootstrap, FewUnitsGiveNoInterval) {
  const Bootstrap bootstrap(
      4, [](std::span<const uint32_t> times) { return times[0] * 1.0; }, 1, 100);
  EXPECT_FALSE(bootstrap.interval(95));
  EXPECT_EQ(bootstrap.value(), 1);
}

TEST(Median, IntervalTakesTheRightOrderStatistics) {
  std::vector<double> values;
  for (int i = 20; i >= 1; --i) values.push_back(i);
  EXPECT_EQ(median(values), 10.5);
  const Interval twenty = median_interval(values, 95).value();  // ranks 6 and 15
  EXPECT_EQ(twenty.low, 6);
  EXPECT_EQ(twenty.high, 15);
  const Interval six = median_interval({1, 2, 3, 4, 5, 6}, 95).value();
  EXPECT_EQ(six.low, 1);
  EXPECT_EQ(six.high, 6);
  EXPECT_FALSE(median_interval({1, 2, 3, 4, 5}, 95));
  values.resize(100);
  for (int i = 0; i < 100; ++i) values[static_cast<size_t>(i)] = i + 1;
  EXPECT_EQ(median_interval(values, 95)->low, 40);
}

TEST(Sum, KeepsSmallTermsBesideLargeOnes) {
  Sum sum;
  for (const double value : {1e16, 1.0, -1e16, 1.0}) sum.add(value);
  EXPECT_EQ(sum.value(), 2);
}

}  // namespace
}  // namespace vetquant
