#include "vetquant/quant/log_scale.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace vetquant {
namespace {

TEST(Log8, TheGridIsAscendingAndEachOfItsValuesHasItsOwnCode) {
  const auto grid = log8_grid();
  EXPECT_EQ(grid[243], 1);
  EXPECT_EQ(grid[23], 0x1p-20f);
  EXPECT_EQ(grid[255], 0x1p24f);
  EXPECT_GT(grid[0], 0x1p-126f);
  for (int code = 0; code < 256; ++code) {
    if (code > 0) {
      EXPECT_GT(grid[static_cast<size_t>(code)], grid[static_cast<size_t>(code - 1)]);
    }
    EXPECT_EQ(log8_code(grid[static_cast<size_t>(code)]), code);
  }
  EXPECT_EQ(log8_code(0), 0);
  EXPECT_EQ(log8_code(1e30f), 255);
  EXPECT_EQ(log8_code(std::numeric_limits<float>::infinity()), 255);
}

TEST(Log8, TheCodeIsThatOfTheNearestValueTheLowerOfTwo) {
  const auto grid = log8_grid();
  const auto nearest = [&](float scale) {
    const auto distance = [&](float value) { return std::abs(double{value} - double{scale}); };
    return std::min_element(grid.begin(), grid.end(), [&](float a, float b) { return distance(a) < distance(b); }) -
           grid.begin();
  };
  for (size_t code = 0; code + 1 < grid.size(); ++code) {
    const float low = grid[code], high = grid[code + 1];
    const auto middle = static_cast<float>((double{low} + double{high}) / 2);
    for (const float scale : {low, std::nextafter(low, high), std::nextafter(middle, low), middle,
                              std::nextafter(middle, high), std::nextafter(high, low)})
      EXPECT_EQ(log8_code(scale), nearest(scale)) << scale;
    for (int step = 1; step < 40; ++step) {
      const auto scale = static_cast<float>(double{low} * std::pow(double{high} / double{low}, step / 40.0));
      EXPECT_EQ(log8_code(scale), nearest(scale)) << scale;
    }
  }
}

TEST(Log8, ManyCodesAtOnceAreThoseOfEach) {
  const auto grid = log8_grid();
  for (const size_t count : {1, 7, 16, 100, 256}) {
    const auto scales = grid.last(count);
    std::vector<uint8_t> codes(count);
    log8_codes(scales, codes);
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(codes[i], log8_code(scales[i])) << scales[i];
  }
}

}  // namespace
}  // namespace vetquant
