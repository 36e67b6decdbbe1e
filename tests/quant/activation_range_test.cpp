// Ranges by each method: hand-computed where the answer is known, bounded on both sides where it is an optimum.
#include "vetquant/quant/activation_range.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "values.h"

namespace vetquant::quant {
namespace {

constexpr RangeMethod kMethods[] = {RangeMethod::kMinMax, RangeMethod::kPercentile, RangeMethod::kEntropy,
                                    RangeMethod::kMse, RangeMethod::kMean};

ActivationObserver observed(std::span<const float> values) {
  ActivationObserver observer;
  observer.add(values);
  observer.end_sample();
  return observer;
}

ActivationRange range_of(const std::vector<float>& values, const RangeSettings& settings) {
  return choose_range(observed(values), settings).value();
}

// What codes with this range do to the values, in the mean.
double squared_error(const std::vector<float>& values, const ActivationRange& range, int bits) {
  const double step = (static_cast<double>(range.high) - range.low) / (std::ldexp(1.0, bits) - 1);
  double sum = 0;
  for (const float value : values) {
    const double inside = std::clamp<double>(value, range.low, range.high);
    const double coded = range.low + std::round((inside - range.low) / step) * step;
    sum += (coded - value) * (coded - value);
  }
  return sum / static_cast<double>(values.size());
}

std::vector<float> thousand() {
  std::vector<float> values(1000);
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

TEST(ActivationRange, MinMaxIsWhatWasSeen) {
  EXPECT_EQ(range_of({-1, 3, 2}, {}), (ActivationRange{-1, 3}));
  EXPECT_EQ(range_of({-1, 3, 2}, {.symmetry = Symmetry::kSymmetric}), (ActivationRange{-3, 3}));
}

TEST(ActivationRange, MeanAveragesTheExtremesOfSamples) {
  ActivationObserver seen;
  for (const std::vector<float>& sample : {std::vector<float>{-1, 2}, {-3, 10}}) {
    seen.add(sample);
    seen.end_sample();
  }
  EXPECT_EQ(choose_range(seen, {.method = RangeMethod::kMean}), (ActivationRange{-2, 6}));
  EXPECT_EQ(choose_range(seen, {.method = RangeMethod::kMean, .symmetry = Symmetry::kSymmetric}),
            (ActivationRange{-6, 6}));
}

TEST(ActivationRange, PercentileCutsBothEnds) {
  // 90 %: 50 values below, 50 above; 1 to 1000 fall into intervals of a quarter.
  const RangeSettings settings{.method = RangeMethod::kPercentile, .percentile = 90};
  EXPECT_EQ(range_of(thousand(), settings), (ActivationRange{51, 950.25f}));
  const RangeSettings all{.method = RangeMethod::kPercentile, .percentile = 100};
  EXPECT_EQ(range_of(thousand(), all), (ActivationRange{1, 1000}));
}

TEST(ActivationRange, SymmetricPercentileCutsMagnitudes) {
  std::vector<float> values = thousand();
  for (size_t i = 0; i < values.size(); i += 2) values[i] = -values[i];
  const RangeSettings settings{.method = RangeMethod::kPercentile, .percentile = 90, .symmetry = Symmetry::kSymmetric};
  const ActivationRange range = range_of(values, settings);
  EXPECT_EQ(range.low, -range.high);
  EXPECT_NEAR(range.high, 900, 1);
}

TEST(ActivationRange, PercentileLeavesAnOutlierOut) {
  std::vector<float> values = test::normal_values(100'000, 1);
  values[7] = 100;
  const ActivationRange range = range_of(values, {.method = RangeMethod::kPercentile, .percentile = 99.9});
  EXPECT_GT(range.high, 3.0f);
  EXPECT_LT(range.high, 3.5f);
}

TEST(ActivationRange, EntropyClipsALongTail) {
  // A bulk of deviation 1 and one value in 5,000 up to 40 of them.
  std::vector<float> values = test::normal_values(50'000, 2);
  for (size_t i = 0; i < values.size(); i += 5000) values[i] = 4 * static_cast<float>(1 + i / 5000);
  const ActivationRange range = range_of(values, {.method = RangeMethod::kEntropy, .symmetry = Symmetry::kSymmetric});
  EXPECT_GT(range.high, 2.5f);
  EXPECT_LT(range.high, 12.0f);
}

TEST(ActivationRange, EntropyKeepsAnEvenSpread) {
  const std::vector<float> values = test::uniform_values(100'000, 3);
  const ActivationRange range = range_of(values, {.method = RangeMethod::kEntropy});
  EXPECT_LT(range.low, -0.95f);
  EXPECT_GT(range.high, 0.95f);
}

TEST(ActivationRange, EntropyOfSixteenBitsIsMinMax) {
  const std::vector<float> values = test::normal_values(10'000, 4);
  EXPECT_EQ(range_of(values, {.method = RangeMethod::kEntropy, .bits = 16}), range_of(values, {}));
}

TEST(ActivationRange, MseIsNoWorseThanItsNeighbours) {
  std::vector<float> values = test::normal_values(20'000, 5);
  values[3] = 60;
  values[4] = -20;
  for (const int bits : {4, 8}) {
    const ActivationRange best = range_of(values, {.method = RangeMethod::kMse, .bits = bits});
    const double least = squared_error(values, best, bits);
    EXPECT_LT(least, squared_error(values, range_of(values, {}), bits)) << bits;
    for (const float low : {0.8f, 1.25f}) {
      for (const float high : {0.8f, 1.25f}) {
        EXPECT_LT(least, 1.05 * squared_error(values, {best.low * low, best.high * high}, bits))
            << bits << " " << low << " " << high;
      }
    }
  }
}

TEST(ActivationRange, MseOfFourBitsOfANormalDistributionIsWhatIsKnown) {
  // Banner et al. 2019, table 1: 2.55 deviations for a Gaussian at 4 bits.
  const std::vector<float> values = test::normal_values(200'000, 6);
  const ActivationRange range =
      range_of(values, {.method = RangeMethod::kMse, .symmetry = Symmetry::kSymmetric, .bits = 4});
  EXPECT_GT(range.high, 2.3f);
  EXPECT_LT(range.high, 2.8f);
}

TEST(ActivationRange, NoMethodLeavesWhatWasSeen) {
  for (const auto& family : test::families(3000)) {
    const ActivationObserver seen = observed(family.values);
    for (const RangeMethod method : kMethods) {
      const ActivationRange range = choose_range(seen, {.method = method}).value();
      EXPECT_LE(seen.minimum(), range.low) << family.name << " " << name_of(method);
      EXPECT_LE(range.low, range.high) << family.name << " " << name_of(method);
      EXPECT_LE(range.high, seen.maximum()) << family.name << " " << name_of(method);
      const ActivationRange even = choose_range(seen, {.method = method, .symmetry = Symmetry::kSymmetric}).value();
      EXPECT_EQ(even.low, -even.high) << family.name << " " << name_of(method);
      EXPECT_LE(even.high, std::max(std::abs(seen.minimum()), std::abs(seen.maximum())))
          << family.name << " " << name_of(method);
    }
  }
}

TEST(ActivationRange, NothingSeenGivesNone) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const RangeMethod method : kMethods) {
    EXPECT_FALSE(choose_range(observed({}), {.method = method}).has_value());
    EXPECT_FALSE(choose_range(observed(std::vector<float>{nan}), {.method = method}).has_value());
  }
}

TEST(ActivationRange, StatisticsShowAtMost128Intervals) {
  const std::vector<float> values = test::normal_values(10'000, 7);
  const TensorStatistics all = statistics_of(observed(values), {});
  ASSERT_TRUE(all.histogram.has_value());
  EXPECT_LE(all.histogram->counts.size(), 128u);
  EXPECT_GE(all.histogram->counts.size(), 64u);
  EXPECT_LE(all.histogram->low, all.minimum);
  EXPECT_GT(all.histogram->high, all.maximum);
  EXPECT_EQ(std::accumulate(all.histogram->counts.begin(), all.histogram->counts.end(), uint64_t{0}), 10'000u);
  EXPECT_EQ(all.values, 10'000u);
  EXPECT_NEAR(all.deviation, 1, 0.03);
}

}  // namespace
}  // namespace vetquant::quant
