#include "vetquant/quant/log_scale.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "vetquant/quant/algorithm.h"

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

// Many groups are fitted by a kernel, a streamed one by a function of its own. Ranges that ask for scales close to where the next
// one is taken, on both sides of zero.
TEST(Log8, ScalesOfManyGroupsAreThoseOfEach) {
  const auto grid = log8_grid();
  for (const DType type : {DType::kInt4, DType::kUint8}) {
    QuantSpec spec;
    spec.code_type = type;
    spec.scale_type = ScaleType::kLog8;
    const float above = static_cast<float>(code_max(spec) - symmetric_zero_point(spec));
    std::vector<float> values;
    const auto add = [&](float wanted) {
      for (const float share : {1.0f, 1 + 0.5f / above, 1 + 0.5f / (above + 1)}) {
        const float largest = wanted * above * share, least = -wanted * (above + 1) * share;
        for (const float value : {largest, std::nextafter(largest, 0.0f), std::nextafter(largest, 1e38f)})
          values.insert(values.end(), {value, least, 0, value, 0, least});
      }
    };
    for (size_t code = 0; code + 1 < grid.size(); ++code) {
      add(grid[code]);
      add((grid[code] + grid[code + 1]) / 2);
    }
    values.insert(values.end(), {0, 0, -0.0f, 0, 1e-45f, 0});
    const AlgorithmSet set;
    std::vector<float> scales(values.size() / 2), zero_points(scales.size());
    set.find("rtn").fit(spec, values, 2, scales, zero_points);
    for (size_t g = 0; g < scales.size(); ++g) {
      float scale = 0, zero_point = 0;
      const auto replay = [&](const auto& piece) { piece(std::span<const float>(values).subspan(2 * g, 2)); };
      set.find("rtn").fit_streamed(spec, replay, scale, zero_point);
      ASSERT_EQ(scales[g], scale) << values[2 * g] << ", " << values[2 * g + 1];
      ASSERT_EQ(zero_points[g], zero_point);
    }
  }
}

}  // namespace
}  // namespace vetquant
