#include "vetquant/quant/log_scale.h"

#include <gtest/gtest.h>

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
}

}  // namespace
}  // namespace vetquant
