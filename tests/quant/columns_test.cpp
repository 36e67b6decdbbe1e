#include "vetquant/quant/columns.h"

#include <gtest/gtest.h>

#include <cmath>

#include "values.h"
#include "vetquant/core/error.h"
#include "vetquant/quant/algorithm.h"

namespace vetquant {
namespace {

using namespace test;

std::vector<float> transposed(const std::vector<float>& values, size_t rows, size_t columns) {
  std::vector<float> out(values.size());
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < columns; ++c) out[c * rows + r] = values[r * columns + c];
  }
  return out;
}

TEST(Columns, GiveTheSameScalesCodesAndValuesAsRows) {
  constexpr size_t kRows = 9;
  const AlgorithmSet set;
  for (const size_t columns : {1u, 7u, 16u, 37u}) {
    for (const Family& family : families(kRows * columns)) {
      const std::vector<float> rows = transposed(family.values, kRows, columns);
      for (const QuantSpec& spec : all_specs()) {
        if (spec.scale_type != ScaleType::kFloat32 && !fits_halves(family)) continue;
        std::vector<float> scale(columns), zero(columns), least(columns), largest(columns), scale2(columns),
            zero2(columns);
        std::vector<uint8_t> codes(rows.size()), codes2(rows.size());
        set.find("rtn").quantize(spec, rows, kRows, scale, zero, codes);
        std::vector<float> back(rows.size()), back2(rows.size());
        decode(spec, codes, kRows, scale, zero, back);
        for_each_instruction_set([&](const std::string& target) {
          ColumnRanges ranges(columns);
          ranges.add(std::span(family.values).first(4 * columns));
          ranges.add(std::span(family.values).subspan(4 * columns));
          ranges.finish(least, largest);
          set.find("rtn").fit_ranges(spec, least, largest, scale2, zero2);
          ASSERT_EQ(scale2, scale) << described(spec) << ", " << family.name << ", " << target;
          ASSERT_EQ(zero2, zero) << described(spec) << ", " << family.name << ", " << target;
          encode_columns(spec, family.values, scale, zero, codes2);
          decode_columns(spec, codes2, scale, zero, back2);
          for (size_t r = 0; r < kRows; ++r) {
            for (size_t c = 0; c < columns; ++c) {
              ASSERT_EQ(codes2[r * columns + c], codes[c * kRows + r])
                  << described(spec) << ", " << family.name << ", " << target;
              ASSERT_EQ(back2[r * columns + c], back[c * kRows + r]) << described(spec) << ", " << family.name;
            }
          }
        });
      }
    }
  }
}

TEST(Columns, NanAndInfinityAreRefusedByColumn) {
  for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
    std::vector<float> values(5 * 20, 1.0f);
    values[3 * 20 + 18] = bad;
    ColumnRanges ranges(20);
    ranges.add(values);
    std::vector<float> least(20), largest(20), scale(20), zero(20);
    ranges.finish(least, largest);
    EXPECT_EQ(least[17], 1.0f);
    EXPECT_TRUE(std::isnan(least[18]) && std::isnan(largest[18])) << bad;
    try {
      AlgorithmSet().find("rtn").fit_ranges({}, least, largest, scale, zero);
      FAIL() << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
      EXPECT_EQ(error.where(), "group 18");
    }
  }
}

}  // namespace
}  // namespace vetquant
