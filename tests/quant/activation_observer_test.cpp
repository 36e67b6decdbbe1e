// Streamed statistics: what they are, and that neither order nor division changes them.
#include "vetquant/quant/activation_observer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "support/error_of.h"
#include "values.h"

namespace vetquant::quant {
namespace {

using test::error_of;

ActivationObserver observed(std::span<const float> values) {
  ActivationObserver observer;
  observer.add(values);
  observer.end_sample();
  return observer;
}

std::vector<float> shuffled(std::vector<float> values, uint64_t seed) {
  test::Random random(seed);
  for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[random.bits() % i]);
  return values;
}

uint64_t total(const GrowingHistogram& histogram) {
  return std::accumulate(histogram.counts().begin(), histogram.counts().end(), uint64_t{0});
}

TEST(GrowingHistogram, TakesTheFinestPowerOfTwoThatHoldsAllValues) {
  GrowingHistogram histogram;
  histogram.add(std::vector<float>{0, 1, 2, 3});
  EXPECT_EQ(histogram.exponent(), -10);  // 3 * 2^10 + 1 = 3073 intervals; at -11 they would be 6145
  EXPECT_EQ(histogram.first(), 0);
  EXPECT_EQ(histogram.counts().size(), 3073u);
  EXPECT_EQ(histogram.counts()[1024], 1u);
  EXPECT_EQ(histogram.counts()[3072], 1u);
}

TEST(GrowingHistogram, GrowingAddsNeighboursUp) {
  GrowingHistogram histogram;
  histogram.add(std::vector<float>{1, 1.0f + 0x1p-10f, -1});
  histogram.add(std::vector<float>{4000});
  EXPECT_EQ(histogram.exponent(), 0);
  EXPECT_EQ(histogram.first(), -1);
  EXPECT_EQ(histogram.counts()[0], 1u);  // [-1, 0)
  EXPECT_EQ(histogram.counts()[2], 2u);  // [1, 2)
  EXPECT_EQ(histogram.counts().back(), 1u);
  EXPECT_EQ(histogram.counts().size(), 4002u);
}

TEST(GrowingHistogram, ConstantsTakeOneInterval) {
  for (const float value : {0.0f, 0.1f, -7e-5f, 3.4e38f, 1e-45f}) {
    GrowingHistogram histogram;
    histogram.add(std::vector<float>(5, value));
    EXPECT_EQ(histogram.counts(), (std::vector<uint64_t>{5})) << value;
  }
}

TEST(GrowingHistogram, IsTheSameForAnyOrderAndDivision) {
  const size_t count = 3000;
  for (const auto& family : test::families(count)) {
    GrowingHistogram whole;
    whole.add(family.values);
    EXPECT_EQ(total(whole), count) << family.name;
    EXPECT_LE(whole.counts().size(), GrowingHistogram::kBins) << family.name;
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      const std::vector<float> values = shuffled(family.values, seed);
      std::vector<GrowingHistogram> parts(7);
      for (size_t i = 0; i < count; ++i) parts[i * i % 7].add(std::span(values).subspan(i, 1));
      GrowingHistogram merged;
      for (size_t i = parts.size(); i-- > 0;) merged.merge(parts[i]);
      EXPECT_EQ(merged, whole) << family.name << " " << seed;
    }
  }
}

TEST(GrowingHistogram, HalfOfTheIntervalsAreInUseWhereValuesAreSpread) {
  for (const double spread : {1.0, 1.1, 1.9, 100.0, 1e-20}) {
    GrowingHistogram histogram;
    histogram.add(test::uniform_values(10'000, 1, -spread / 3, spread));
    EXPECT_GE(histogram.counts().size(), GrowingHistogram::kBins / 2) << spread;
  }
}

TEST(ActivationObserver, CountsWhatIsNoNumberAndLeavesItOut) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const ActivationObserver seen = observed(std::vector<float>{1, nan, -inf, 3, inf, 0, -0.0f});
  EXPECT_EQ(seen.values(), 7u);
  EXPECT_EQ(seen.finite(), 4u);
  EXPECT_EQ(seen.zeros(), 2u);
  EXPECT_EQ(seen.nans(), 1u);
  EXPECT_EQ(seen.infinities(), 2u);
  EXPECT_EQ(seen.minimum(), 0);
  EXPECT_FALSE(std::signbit(seen.minimum()));
  EXPECT_EQ(seen.maximum(), 3);
  EXPECT_DOUBLE_EQ(seen.mean(), 1);
  EXPECT_DOUBLE_EQ(seen.deviation(), std::sqrt(1.5));  // distances 0, 2, -1, -1
}

TEST(ActivationObserver, NothingSeenIsNothing) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const ActivationObserver none = observed({}), broken = observed(std::vector<float>{nan});
  EXPECT_EQ(none.values(), 0u);
  EXPECT_EQ(broken.values(), 1u);
  EXPECT_EQ(broken.finite(), 0u);
  EXPECT_EQ(broken.deviation(), 0);
}

TEST(ActivationObserver, ExtremesOfSamplesAreAveraged) {
  ActivationObserver seen;
  for (const std::vector<float>& sample : {std::vector<float>{-1, 2}, {}, {-3, 4}}) {  // the second never reaches it
    seen.add(sample);
    seen.end_sample();
  }
  EXPECT_DOUBLE_EQ(seen.mean_minimum(), -2);
  EXPECT_DOUBLE_EQ(seen.mean_maximum(), 3);
}

TEST(ActivationObserver, MergedIsAsIfSeenByOne) {
  const std::vector<float> values = test::normal_values(20'000, 3, 5);
  ActivationObserver whole, left, right;
  for (size_t sample = 0; sample < 20; ++sample) {
    const auto part = std::span(values).subspan(sample * 1000, 1000);
    for (ActivationObserver* observer : {&whole, sample < 11 ? &left : &right}) {
      observer->add(part);
      observer->end_sample();
    }
  }
  left.merge(right);
  EXPECT_EQ(left.histogram(), whole.histogram());
  EXPECT_EQ(left.minimum(), whole.minimum());
  EXPECT_EQ(left.finite(), whole.finite());
  EXPECT_NEAR(left.mean(), whole.mean(), 1e-12);
  EXPECT_NEAR(left.deviation(), whole.deviation(), 1e-12);
  EXPECT_NEAR(left.mean_minimum(), whole.mean_minimum(), 1e-12);
}

TEST(ActivationObserver, AFarMeanCostsNoDigits) {
  const ActivationObserver seen = observed(std::vector<float>{10000.0f, 10000.5f, 10001.0f, 10000.5f});
  EXPECT_DOUBLE_EQ(seen.mean(), 10000.5);
  EXPECT_DOUBLE_EQ(seen.deviation(), std::sqrt(0.125));
}

TEST(ActivationObserver, ReadsBackWhatWasWritten) {
  for (const auto& family : test::families(5000)) {
    const ActivationObserver seen = observed(family.values);
    ByteWriter writer;
    seen.write(writer);
    ByteReader reader(writer.body(), ErrorCode::kIo, "ends too early");
    EXPECT_EQ(ActivationObserver::read(reader, ErrorCode::kIo), seen) << family.name;
    EXPECT_TRUE(reader.at_end());
  }
}

TEST(ActivationObserver, RefusesBytesThatAreNone) {
  ByteWriter writer;
  observed(std::vector<float>{1, 2}).write(writer);
  const std::vector<std::byte> good = writer.body();
  for (size_t i = 0; i < good.size(); ++i) {
    std::vector<std::byte> bad = good;
    bad[i] ^= std::byte{0xFF};
    ByteReader reader(bad, ErrorCode::kIo, "ends too early");
    try {
      const ActivationObserver read = ActivationObserver::read(reader, ErrorCode::kIo);
      EXPECT_LE(read.minimum(), read.maximum()) << i;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kIo) << i;
    }
  }
  ByteReader reader({good.begin(), good.end() - 1}, ErrorCode::kIo, "ends too early");
  EXPECT_EQ(error_of([&] { ActivationObserver::read(reader, ErrorCode::kIo); }).message(), "ends too early");
}

}  // namespace
}  // namespace vetquant::quant
