#include "estimates.h"

#include <gtest/gtest.h>

#include <cmath>

#include "vetquant/eval/random.h"

namespace vetquant {
namespace {

const Clusters kAlone{{}, 0, "clip"};

TEST(RateDifference, OfSingleErrorsIsTangos) {
  std::vector<double> own(100, 1), base(100, 1), changes(100, 0);
  own[0] = own[1] = base[2] = 0;
  for (size_t i = 0; i < 3; ++i) changes[i] = own[i] - base[i];
  const Estimate rates = paired_rate_difference(kAlone, changes, 100, {});
  const Estimate shares = paired_difference(kAlone, own, base, {});
  EXPECT_NEAR(rates.value, -1, 1e-12);
  EXPECT_NEAR(rates.at(95)->low, shares.at(95)->low, 1e-9);
  EXPECT_NEAR(rates.at(95)->high, shares.at(95)->high, 1e-9);
  EXPECT_EQ(rates.method, "Tango of changes");
}

TEST(RateDifference, GrowsWithTheSizeOfChangesAndIsNeverNarrowedToNothing) {
  std::vector<double> small(200, 0), large(200, 0);
  small[0] = small[1] = 1;
  large[0] = large[1] = 5;
  const Estimate a = paired_rate_difference(kAlone, small, 2000, {}),
                 b = paired_rate_difference(kAlone, large, 2000, {});
  EXPECT_NEAR(a.value, 0.1, 1e-12);
  EXPECT_NEAR(b.value, 0.5, 1e-12);
  EXPECT_NEAR(b.at(95)->high - b.value, 5 * (a.at(95)->high - a.value), 1e-9);
  const Estimate none = paired_rate_difference(kAlone, std::vector<double>(200, 0), 2000, {});
  EXPECT_EQ(none.value, 0);
  const double z2 = std::pow(normal_quantile(0.975), 2);
  EXPECT_NEAR(none.at(95)->high, 10 * z2 / (200 + z2), 1e-6) << "as if one word in each clip were at stake";
  EXPECT_NEAR(none.at(95)->low, -none.at(95)->high, 1e-6);
}

TEST(RateDifference, ChangesOfOneVoiceCountAsFew) {
  std::vector<double> changes(60, 0);
  Clusters clusters{{}, 6, "clip"};
  for (uint32_t i = 0; i < 60; ++i) clusters.of.push_back(i / 10);
  for (size_t i = 0; i < 10; ++i) changes[i] = 1;
  const Estimate together = paired_rate_difference(clusters, changes, 600, {});
  const Estimate apart = paired_rate_difference(kAlone, changes, 600, {});
  EXPECT_EQ(together.value, apart.value);
  EXPECT_GT(together.at(95)->high - together.at(95)->low, 2 * (apart.at(95)->high - apart.at(95)->low));
}

TEST(RateEstimate, ReachesAtLeastAsFarAsTheExactIntervalOfItsTrials) {
  std::vector<double> errors(50, 0), words(50, 10);
  errors[3] = errors[17] = 1;
  const Estimate estimate = rate(kAlone, errors, words, {});
  const Interval exact = clopper_pearson(2, 500, 95);
  EXPECT_NEAR(estimate.value, 0.4, 1e-12);
  EXPECT_LE(estimate.at(95)->low, 100 * exact.low);
  EXPECT_GE(estimate.at(95)->high, 100 * exact.high);
  EXPECT_GE(estimate.at(95)->low, 0);
  EXPECT_TRUE(rate(kAlone, {1, 0, 0, 1}, {2, 2, 2, 2}, {}).intervals.empty()) << "four clips say nothing";
}

// Most clips are good, some are hopeless: the truth is 0.95 * 0.02 + 0.05 * 0.8.
TEST(RateEstimate, OfSkewedRatesHoldsTheTruthAsOftenAsItSays) {
  constexpr int kTrials = 300;
  int covered = 0;
  for (int t = 0; t < kTrials; ++t) {
    Random random(3, static_cast<uint64_t>(t));
    std::vector<double> errors(100, 0), words(100);
    for (size_t i = 0; i < words.size(); ++i) {
      words[i] = 5 + static_cast<double>(random.below(16));
      const double chance = random.uniform() < 0.05 ? 0.8 : 0.02;
      for (int w = 0; w < static_cast<int>(words[i]); ++w) errors[i] += random.uniform() < chance ? 1 : 0;
    }
    const Interval interval = *rate(kAlone, errors, words, {.resamples = 400}).at(95);
    covered += interval.low <= 5.9 && 5.9 <= interval.high ? 1 : 0;
  }
  EXPECT_GE(covered, 0.92 * kTrials);
  EXPECT_LT(covered, kTrials);
}

}  // namespace
}  // namespace vetquant
