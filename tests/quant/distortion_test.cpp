#include "vetquant/quant/distortion.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "values.h"

namespace vetquant {
namespace {

Distortion of(const std::vector<float>& reference, const std::vector<float>& value) {
  Distortion distortion;
  distortion.add(reference, value);
  return distortion;
}

TEST(Distortion, FiguresByHand) {
  const Distortion d = of({3, 4}, {3, 3});  // error 1; energy 25
  EXPECT_EQ(d.count(), 2u);
  EXPECT_DOUBLE_EQ(d.sqnr_db(), 10 * std::log10(25.0));
  EXPECT_DOUBLE_EQ(d.mean_squared_error(), 0.5);
  EXPECT_DOUBLE_EQ(d.max_error(), 1);
  EXPECT_DOUBLE_EQ(d.cosine(), 21 / (5 * std::sqrt(18.0)));
}

TEST(Distortion, EqualTensorsHaveInfiniteSnr) {
  EXPECT_EQ(of({1, -2}, {1, -2}).sqnr_db(), std::numeric_limits<double>::infinity());
  EXPECT_DOUBLE_EQ(of({1, -2}, {1, -2}).cosine(), 1);
}

TEST(Distortion, NothingAndZerosAreEqual) {
  for (const Distortion& d : {Distortion(), of({0, 0}, {0, 0})}) {
    EXPECT_EQ(d.sqnr_db(), std::numeric_limits<double>::infinity());
    EXPECT_EQ(d.cosine(), 1);
    EXPECT_EQ(d.mean_squared_error(), 0);
  }
  EXPECT_EQ(of({0, 0}, {0, 1}).cosine(), 0);
}

TEST(Distortion, TilesOfAnySizeInOrderGiveTheSameFigures) {
  const std::vector<float> reference = test::normal_values(10007, 1), value = test::normal_values(10007, 2);
  const Distortion whole = of(reference, value);
  for (const size_t tile : {1u, 15u, 16u, 1000u}) {
    Distortion pieces;
    for (size_t at = 0; at < reference.size(); at += tile) {
      const size_t size = std::min(tile, reference.size() - at);
      pieces.add(std::span(reference).subspan(at, size), std::span(value).subspan(at, size));
    }
    EXPECT_EQ(pieces.sqnr_db(), whole.sqnr_db()) << tile;
    EXPECT_EQ(pieces.cosine(), whole.cosine()) << tile;
    EXPECT_EQ(pieces.mean_squared_error(), whole.mean_squared_error()) << tile;
    EXPECT_EQ(pieces.max_error(), whole.max_error()) << tile;
    EXPECT_EQ(pieces.count(), whole.count());
  }
}

TEST(Distortion, EveryInstructionSetGivesTheSameFigures) {
  const std::vector<float> reference = test::normal_values(10007, 1), value = test::normal_values(10007, 2, 1e-4);
  std::vector<Distortion> all;
  test::for_each_instruction_set([&](const std::string&) { all.push_back(of(reference, value)); });
  for (const Distortion& other : all) {
    EXPECT_EQ(other.sqnr_db(), all[0].sqnr_db());
    EXPECT_EQ(other.cosine(), all[0].cosine());
    EXPECT_EQ(other.mean_squared_error(), all[0].mean_squared_error());
    EXPECT_EQ(other.max_error(), all[0].max_error());
  }
}

TEST(Distortion, AnInfiniteValueIsMinusInfiniteDecibels) {
  std::vector<float> reference(40, 1.0f), value(40, 1.0f);
  value[20] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(of(reference, value).sqnr_db(), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(of(reference, value).max_error(), std::numeric_limits<double>::infinity());
}

TEST(Distortion, SmallErrorsAreNotLostBesideLargeOnes) {
  Distortion d;
  d.add(std::vector<float>{1e8f}, std::vector<float>{0});
  const std::vector<float> reference(1 << 20, 0.1f), value(1 << 20, 0);
  d.add(reference, value);
  const double small = double{0.1f} * double{0.1f} * (1 << 20);
  EXPECT_NEAR(d.mean_squared_error() * static_cast<double>(d.count()) - 1e16, small,
              4);  // 2 is a double's step at 1e16
}

TEST(Distortion, MergingPartsAddsThemUp) {
  const std::vector<float> reference = test::normal_values(3000, 3), value = test::normal_values(3000, 4);
  Distortion first, second;
  first.add(std::span(reference).first(1000), std::span(value).first(1000));
  second.add(std::span(reference).subspan(1000), std::span(value).subspan(1000));
  first.merge(second);
  const Distortion whole = of(reference, value);
  EXPECT_EQ(first.count(), 3000u);
  EXPECT_NEAR(first.sqnr_db(), whole.sqnr_db(), 1e-12);
  EXPECT_NEAR(first.cosine(), whole.cosine(), 1e-14);
  EXPECT_EQ(first.max_error(), whole.max_error());
}

TEST(Distortion, SnrOfKnownNoise) {
  // Noise of a hundredth of the signal's deviation: 40 dB.
  std::vector<float> reference = test::normal_values(100000, 5), value = test::normal_values(100000, 6, 0.01);
  for (size_t i = 0; i < value.size(); ++i) value[i] += reference[i];
  EXPECT_NEAR(of(reference, value).sqnr_db(), 40, 0.1);
}

}  // namespace
}  // namespace vetquant
