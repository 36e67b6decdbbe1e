// How many rows of activations a product sees.
#include "rows.h"

#include <gtest/gtest.h>

#include "plan_fixture.h"

namespace vetquant::test {
namespace {

TEST(Rows, KnownDimsGiveTheExactNumber) {
  const Planned model(product_model(80));
  const Plan plan = model.plan(test_policy(DType::kInt8), test_target());
  EXPECT_EQ(plan.nodes[0].rows, 80);
  EXPECT_FALSE(plan.nodes[0].rows_at_least);
  EXPECT_EQ(plan.nodes[0].form, Form::kDynamicInteger);
}

TEST(Rows, AnUnknownBatchBesideAKnownLengthIsALowerBound) {
  TestModel model;
  model.main()
      .input("x", kFloat, {-1, 100, 64})
      .output("y", kFloat, {-1, 100, 96})
      .floats("w", {64, 96}, random_floats(6144, 1));
  model.main().node("MatMul", {"x", "w"}, {"y"}, "fc");
  const Plan plan = Planned(model).plan(test_policy(DType::kInt8), test_target());
  EXPECT_EQ(plan.nodes[0].rows, 100);
  EXPECT_TRUE(plan.nodes[0].rows_at_least);
  EXPECT_EQ(plan.nodes[0].form, Form::kDynamicInteger);
  EXPECT_NE(plan.nodes[0].reason.text.find("at least 100 rows (unknown dims assumed 1)"), std::string::npos);
}

TEST(Rows, UnknownLengthIsUnknown) {
  const Plan plan = Planned(product_model(-1)).plan(test_policy(DType::kInt8), test_target());
  EXPECT_EQ(plan.nodes[0].rows, -1);
  EXPECT_EQ(plan.nodes[0].form, Form::kMatMulNBits);
  EXPECT_NE(plan.nodes[0].reason.text.find("unknown rows"), std::string::npos);
}

TEST(Rows, ABoundShapeMakesThemKnown) {
  PlanOptions options;
  options.shapes = {{.input = "x", .shape = {1, 64}}};
  const Plan plan = Planned(product_model(-1)).plan(test_policy(DType::kInt8), test_target(), options);
  EXPECT_EQ(plan.nodes[0].rows, 1);
  EXPECT_EQ(plan.nodes[0].form, Form::kMatMulNBits);
}

TEST(Rows, TransposedActivationsOfGemmCountTheirColumns) {
  TestModel model;
  model.main()
      .input("x", kFloat, {64, 200})
      .output("y", kFloat, {200, 96})
      .floats("w", {64, 96}, random_floats(6144, 1));
  set_int(model.main().node("Gemm", {"x", "w"}, {"y"}, "fc"), "transA", 1);
  const Plan plan = Planned(model).plan(test_policy(DType::kInt8), test_target());
  EXPECT_EQ(plan.nodes[0].rows, 200);
}

TEST(Rows, TextsForPeople) {
  EXPECT_EQ(plan::to_string(plan::Rows{.count = 1, .at_least = false}), "1 row");
  EXPECT_EQ(plan::to_string(plan::Rows{.count = 1, .at_least = true}), "unknown rows");
  EXPECT_EQ(plan::to_string(plan::Rows{.count = -1, .at_least = false}), "unknown rows");
}

}  // namespace
}  // namespace vetquant::test
