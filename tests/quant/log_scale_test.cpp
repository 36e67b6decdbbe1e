#include "vetquant/quant/log_scale.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

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
    EXPECT_EQ(log8_code(double{grid[static_cast<size_t>(code)]}), code);
  }
  EXPECT_EQ(log8_code(0), 0);
  EXPECT_EQ(log8_code(1e30), 255);
  EXPECT_EQ(log8_code(std::numeric_limits<double>::infinity()), 255);
}

TEST(Log8, TheCodeIsThatOfTheNearestValueTheLowerOfTwo) {
  const auto grid = log8_grid();
  const auto nearest = [&](double scale) {
    const auto distance = [&](float value) { return std::abs(double{value} - scale); };
    return std::min_element(grid.begin(), grid.end(), [&](float a, float b) { return distance(a) < distance(b); }) -
           grid.begin();
  };
  for (size_t code = 0; code + 1 < grid.size(); ++code) {
    const double low = double{grid[code]}, high = double{grid[code + 1]}, middle = (low + high) / 2;
    for (const double scale :
         {low, std::nextafter(low, high), middle, std::nextafter(middle, high), std::nextafter(high, low)})
      EXPECT_EQ(log8_code(scale), nearest(scale)) << scale;
    for (int step = 1; step < 40; ++step) {
      const double scale = low * std::pow(high / low, step / 40.0);
      EXPECT_EQ(log8_code(scale), nearest(scale)) << scale;
    }
  }
}

}  // namespace
}  // namespace vetquant
