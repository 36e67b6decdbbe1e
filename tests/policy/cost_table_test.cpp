// Shares of float's time: between, at and outside what was measured; `costs:` as profiles write it.
#include "vetquant/policy/cost_table.h"

#include <gtest/gtest.h>

#include "vetquant/core/error.h"
#include "vetquant/policy/target.h"

namespace vetquant {
namespace {

constexpr ProductForm kBlocks = {.form = FormChoice::kMatMulNBits, .weight_bits = 8, .accuracy_level = 4};

CostTable two_matrices() {
  CostTable costs;
  costs.source = "a test";
  costs.products = {{.form = kBlocks, .k = 64, .n = 64, .points = {{1, 1.0}, {100, 3.0}}},
                    {.form = kBlocks, .k = 640, .n = 640, .points = {{1, 0.5}, {100, 1.5}}}};
  return costs;
}

TEST(CostTable, IsLinearInTheLogarithmOfRows) {
  const CostTable costs = two_matrices();
  EXPECT_DOUBLE_EQ(*costs.share(kBlocks, {64, 64, 1}), 1.0);
  EXPECT_NEAR(*costs.share(kBlocks, {64, 64, 10}), 2.0, 1e-12);
  EXPECT_DOUBLE_EQ(*costs.share(kBlocks, {64, 64, 100}), 3.0);
}

TEST(CostTable, IsLinearInTheLogarithmOfTheMatrix) {
  const CostTable costs = two_matrices();
  EXPECT_NEAR(*costs.share(kBlocks, {64, 640, 1}), 0.75, 1e-12);
  EXPECT_NEAR(*costs.share(kBlocks, {640, 64, 1}), 0.75, 1e-12);
}

TEST(CostTable, OutsideItTakesTheNearestPoint) {
  const CostTable costs = two_matrices();
  EXPECT_DOUBLE_EQ(*costs.share(kBlocks, {8, 8, 1}), 1.0);
  EXPECT_DOUBLE_EQ(*costs.share(kBlocks, {int64_t{1} << 40, int64_t{1} << 40, int64_t{1} << 40}), 1.5);
  EXPECT_DOUBLE_EQ(*costs.share(kBlocks, {640, 640, 0}), 0.5);
}

TEST(CostTable, LongAndWideMatricesOfOneSizeCountAsTheirMean) {
  CostTable costs;
  costs.products = {{.form = kBlocks, .k = 64, .n = 256, .points = {{1, 0.4}}},
                    {.form = kBlocks, .k = 256, .n = 64, .points = {{1, 0.6}}}};
  EXPECT_DOUBLE_EQ(*costs.share(kBlocks, {128, 128, 7}), 0.5);
}

TEST(CostTable, KnowsNothingOfFormsThatNobodyMeasured) {
  ProductForm other = kBlocks;
  other.accuracy_level = 0;
  EXPECT_FALSE(two_matrices().share(other, {64, 64, 1}).has_value());
  EXPECT_FALSE(CostTable().share(kBlocks, {64, 64, 1}).has_value());
}

TargetProfile profile_with(const std::string& costs) {
  return parse_target("version: 1\nextends: ort-cpu-vnni\n" + costs, "t.yaml");
}

std::string complaint_about(const std::string& product) {
  try {
    profile_with("costs:\n  source: a test\n  products:\n    - " + product + "\n");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    return error.what();
  }
  return "no complaint";
}

TEST(Costs, AProfilesOwnStandInPlaceOfInheritedOnesAndItsTextReadsBack) {
  const TargetProfile profile = profile_with(
      "costs:\n  source: a test\n  products:\n"
      "    - {form: matmul_nbits, weights: uint8, accuracy_level: 4, k: 64, n: 96, shares: {1: 0.123, 16: 2}}\n"
      "    - {form: dynamic_integer, weights: int8, k: 64, n: 96, shares: {1: 1e-3}}\n");
  ASSERT_EQ(profile.costs.products.size(), 2u);
  EXPECT_EQ(profile.costs.products[0].form, kBlocks);
  EXPECT_DOUBLE_EQ(*profile.costs.share(kBlocks, {64, 96, 16}), 2.0);
  const TargetProfile again = parse_target(profile.text, "again.yaml");
  EXPECT_EQ(again.text, profile.text);
  EXPECT_EQ(costs_text(again.costs), costs_text(profile.costs));
}

TEST(Costs, AreInheritedWhereAProfileHasNone) {
  EXPECT_EQ(costs_text(profile_with("title: mine\n").costs), costs_text(load_target("ort-cpu-vnni").costs));
}

TEST(Costs, EachShippedProfileKnowsTheFormsThatItsPreferencesLetCompete) {
  for (const ShippedTarget& shipped : shipped_targets()) {
    const TargetProfile target = load_target(shipped.name);
    for (const FormPreference& row : target.preferences) {
      if (!row.competes) continue;
      const ProductForm form = {*row.use.form, bits_of(row.weights.at(0)), row.use.accuracy_level.value_or(0)};
      EXPECT_TRUE(target.costs.share(form, {512, 512, 16}).has_value()) << shipped.name << ": " << row.reason;
    }
  }
}

TEST(Costs, WrongOnesAreToldWithTheirPlace) {
  EXPECT_EQ(complaint_about("{form: fold_at_load, weights: int8, k: 1, n: 1, shares: {1: 1}}"),
            "t.yaml:6:14: costs are known for products in matmul_nbits and dynamic_integer; others run as float");
  EXPECT_EQ(complaint_about("{form: dynamic_integer, weights: int8, accuracy_level: 4, k: 1, n: 1, shares: {1: 1}}"),
            "t.yaml:6:62: accuracy_level belongs to matmul_nbits");
  EXPECT_EQ(complaint_about("{form: dynamic_integer, weights: int8, k: 1, n: 1, shares: {4: 1, 4: 1}}"),
            "t.yaml:6:73: key '4' stands twice in this map");
  EXPECT_EQ(complaint_about("{form: dynamic_integer, weights: int8, k: 1, n: 1, shares: {4: 1, 1: 1}}"),
            "t.yaml:6:73: rows must ascend");
  EXPECT_EQ(complaint_about("{form: dynamic_integer, weights: int8, k: 1, n: 1, shares: {}}"),
            "t.yaml:6:66: shares must name at least one number of rows");
  EXPECT_EQ(complaint_about("{form: dynamic_integer, weights: int8, k: 1, n: 1, shares: {1: .nan}}"),
            "t.yaml:6:70: share of float's time must be a number from 0.001 to 1000, not '.nan'");
  EXPECT_EQ(complaint_about("{form: dynamic_integer, weights: int8, k: 1, n: 1, share: {1: 1}}"),
            "t.yaml:6:58: unknown key 'share' in product; did you mean 'shares'?");
}

}  // namespace
}  // namespace vetquant
