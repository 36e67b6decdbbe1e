// Orientation, channels and blocks of each form.
#include "layout.h"

#include <gtest/gtest.h>

#include "plan_fixture.h"

namespace vetquant::test {
namespace {

using Layout = ScaleLayout;

Use with_form(DType type, FormChoice form) {
  Use use = weights(type);
  use.form = form;
  return use;
}

// One node with weight `w` at input 1 (0 for Gather).
TestModel one_node(const std::string& op, const Dims& input, const Dims& weight) {
  TestModel model;
  size_t count = 1;
  for (int64_t dim : weight) count *= static_cast<size_t>(dim);
  const bool gather = op == "Gather";
  model.main().input("x", gather ? kInt64 : kFloat, input).output("y").floats("w", weight, random_floats(count, 1));
  model.main().node(op, gather ? Names{"w", "x"} : Names{"x", "w"}, {"y"}, "op");
  return model;
}

PlannedTensor planned(const TestModel& model, const Use& use) {
  Policy policy = test_policy(DType::kInt8);
  policy.defaults = use;
  const Plan plan = Planned(model).plan(policy, test_target());
  EXPECT_EQ(plan.tensors.size(), 1u);
  return plan.tensors.at(0);
}

TEST(Layout, MatMulNBitsStoresRowsOfN) {
  Use use = with_form(DType::kInt4, FormChoice::kMatMulNBits);
  const PlannedTensor tensor = planned(one_node("MatMul", {-1, 64}, {64, 96}), use);
  EXPECT_EQ(tensor.view.shape(), (Shape{96, 64}));
  EXPECT_EQ(tensor.layout, (Layout{.channel_axes = {0}, .block_axis = 1, .block_size = 32}));
  ASSERT_EQ(tensor.uses.size(), 1u);
  EXPECT_TRUE(tensor.uses[0].transposed);
  EXPECT_EQ(tensor.stored_type, DType::kInt4);
}

TEST(Layout, GemmWithTransBLiesInRowsOfNAlready) {
  TestModel model = one_node("Gemm", {-1, 64}, {96, 64});
  set_int(*model.proto().mutable_graph()->mutable_node(0), "transB", 1);
  const PlannedTensor tensor = planned(model, with_form(DType::kInt8, FormChoice::kMatMulNBits));
  EXPECT_EQ(tensor.view.shape(), (Shape{96, 64}));
  EXPECT_FALSE(tensor.uses[0].transposed);
  const PlannedTensor dynamic = planned(model, with_form(DType::kInt8, FormChoice::kDynamicInteger));
  EXPECT_EQ(dynamic.view.shape(), (Shape{64, 96}));
  EXPECT_TRUE(dynamic.uses[0].transposed);
}

TEST(Layout, DynamicIntegerHasAScaleForEachColumn) {
  const PlannedTensor tensor =
      planned(one_node("MatMul", {-1, 64}, {64, 96}), with_form(DType::kInt8, FormChoice::kDynamicInteger));
  EXPECT_EQ(tensor.view.shape(), (Shape{64, 96}));
  EXPECT_EQ(tensor.layout, (Layout{.channel_axes = {1}, .block_axis = -1, .block_size = 0}));
}

TEST(Layout, TablesHaveBlocksInTheirRows) {
  const PlannedTensor tensor =
      planned(one_node("Gather", {-1}, {100, 64}), with_form(DType::kInt8, FormChoice::kGatherBlock));
  EXPECT_EQ(tensor.view.shape(), (Shape{100, 64}));
  EXPECT_EQ(tensor.layout.channel_axes, (std::vector<int>{0}));
  EXPECT_EQ(tensor.layout.block_axis, 1);
  const PlannedTensor rows =
      planned(one_node("Gather", {-1}, {100, 64}), with_form(DType::kInt8, FormChoice::kGatherRows));
  EXPECT_EQ(rows.layout, (Layout{.channel_axes = {0}, .block_axis = -1, .block_size = 0}));
}

TEST(Layout, ConvHasAScaleForEachOutputChannel) {
  const PlannedTensor conv = planned(one_node("Conv", {1, 16, 8, 8}, {32, 16, 3, 3}), weights(DType::kInt8));
  EXPECT_EQ(conv.form, Form::kFoldAtLoad);
  EXPECT_EQ(conv.layout.channel_axes, (std::vector<int>{0}));
  const PlannedTensor transposed =
      planned(one_node("ConvTranspose", {1, 16, 8, 8}, {16, 32, 3, 3}), weights(DType::kInt8));
  EXPECT_EQ(transposed.layout.channel_axes, (std::vector<int>{1}));
}

TEST(Layout, BatchedMatricesFoldWithAScaleForEachColumnOfEach) {
  const PlannedTensor tensor = planned(one_node("MatMul", {2, -1, 64}, {2, 64, 96}), weights(DType::kInt8));
  EXPECT_EQ(tensor.form, Form::kFoldAtLoad);
  EXPECT_EQ(tensor.layout.channel_axes, (std::vector<int>{0, 2}));
}

TEST(Layout, AConstantOnTheLeftIsFolded) {
  TestModel model;
  model.main()
      .input("x", kFloat, {64, -1})
      .output("y")
      .floats("w", {96, 64}, random_floats(6144, 1))
      .node("MatMul", {"w", "x"}, {"y"}, "op");
  const PlannedTensor tensor = planned(model, weights(DType::kInt8));
  EXPECT_EQ(tensor.form, Form::kFoldAtLoad);
  EXPECT_EQ(tensor.layout.channel_axes, (std::vector<int>{0}));
}

TestModel lstm_model(const std::string& r = "R") {
  TestModel model;
  model.main()
      .input("x", kFloat, {5, 1, 20})
      .output("y")
      .floats("W", {1, 64, 20}, random_floats(1280, 1))
      .floats("R", {1, 64, 16}, random_floats(1024, 2));
  model.main().input("r", kFloat, {1, 64, 16});
  set_int(model.main().node("LSTM", {"x", "W", r}, {"y"}, "lstm"), "hidden_size", 16);
  return model;
}

TEST(Layout, BothMatricesOfAnLstmAreTransposed) {
  const Planned model(lstm_model());
  const Plan plan = model.plan(test_policy(DType::kInt8), test_target());
  ASSERT_EQ(plan.nodes.size(), 1u);
  EXPECT_EQ(plan.nodes[0].form, Form::kDynamicLstm);
  EXPECT_EQ(plan.nodes[0].tensors.size(), 2u);
  EXPECT_EQ(tensor_named(plan, "W")->view.shape(), (Shape{1, 20, 64}));
  EXPECT_EQ(tensor_named(plan, "R")->view.shape(), (Shape{1, 16, 64}));
  EXPECT_EQ(tensor_named(plan, "R")->layout, (Layout{.channel_axes = {0, 2}, .block_axis = -1, .block_size = 0}));
}

TEST(Layout, AnLstmWithOneConstantMatrixIsFolded) {
  const Plan plan = Planned(lstm_model("r")).plan(test_policy(DType::kInt8), test_target());
  ASSERT_EQ(plan.nodes.size(), 1u);
  EXPECT_EQ(plan.nodes[0].form, Form::kFoldAtLoad);
  EXPECT_EQ(tensor_named(plan, "W")->layout.channel_axes, (std::vector<int>{0, 1}));
}

TEST(Layout, AnLstmWhoseOtherMatrixIsKeptIsFolded) {
  Policy policy = test_policy(DType::kInt8);
  Match match;
  match.tensor = {"R"};
  Use keep;
  keep.keep = true;
  policy.rules = {rule("R stays", match, keep)};
  const Plan plan = Planned(lstm_model()).plan(policy, test_target());
  EXPECT_EQ(tensor_named(plan, "W")->form, Form::kFoldAtLoad);
  EXPECT_NE(kept_named(plan, "R"), nullptr);
}

TEST(Layout, TheSmallMatrixOfAnLstmComesAlongOrStays) {
  TestModel model;
  model.main()
      .input("x", kFloat, {5, 1, 2})
      .output("y")
      .floats("W", {1, 64, 2}, random_floats(128, 1))
      .floats("R", {1, 64, 16}, random_floats(1024, 2));
  set_int(model.main().node("LSTM", {"x", "W", "R"}, {"y"}, "lstm"), "hidden_size", 16);
  EXPECT_EQ(Planned(model).plan(test_policy(DType::kInt8), test_target()).tensors.size(), 2u);
  Policy policy = test_policy(DType::kInt8);
  policy.defaults.activations = Activations::kNone;
  const Plan folded = Planned(model).plan(policy, test_target());
  EXPECT_EQ(folded.tensors.size(), 1u);
  EXPECT_EQ(kept_named(folded, "W")->reason.text, "smaller than tensors.min_elements");
}

TEST(Layout, ASoftBlockIsTheOneThatTakesTheLeastBytes) {
  Policy policy = test_policy(DType::kInt8);
  policy.on_unsupported = OnUnsupported::kKeep;
  const Plan plan = Planned(one_node("MatMul", {-1, 80}, {80, 96})).plan(policy, test_target());
  // a row of 80: one block of 128 takes 130 bytes, two of 64 take 132, three of 32 take 102
  EXPECT_EQ(plan.tensors.at(0).layout.block_size, 32);
  EXPECT_NE(plan.tensors[0].reason.text.find("block 32, which fits 80 better than 128"), std::string::npos);
}

TEST(Layout, FoldedBlocksDivideTheirAxis) {
  Policy policy = test_policy(DType::kInt4);
  policy.on_unsupported = OnUnsupported::kKeep;
  policy.defaults.block = 32;
  const Plan plan = Planned(one_node("Conv", {1, 48, 8, 8}, {32, 48, 1, 1})).plan(policy, test_target());
  EXPECT_EQ(plan.tensors.at(0).layout, (Layout{.channel_axes = {0}, .block_axis = 1, .block_size = 24}));
  const Plan prime = Planned(one_node("Conv", {1, 47, 8, 8}, {32, 47, 1, 1})).plan(policy, test_target());
  EXPECT_EQ(prime.tensors.at(0).layout.block_size, 0);
  EXPECT_NE(prime.tensors[0].reason.text.find("one scale per channel, as no block divides 47"), std::string::npos);
}

TEST(Layout, AHardBlockThatDoesNotFitIsAUsageError) {
  Policy policy = test_policy(DType::kInt8);
  policy.defaults.block = 48;
  const Error odd = error_of([&] { Planned(one_node("MatMul", {-1, 64}, {64, 96})).plan(policy, test_target()); });
  EXPECT_EQ(odd.code(), ErrorCode::kUsage);
  EXPECT_EQ(odd.where(), "p.yaml:3:1");
  EXPECT_NE(odd.message().find("block 48 is no power of two from 16 on; use 16, 32 or 64"), std::string::npos)
      << odd.what();

  policy.defaults.form = FormChoice::kFoldAtLoad;
  const Error ragged = error_of([&] { Planned(one_node("MatMul", {-1, 64}, {64, 96})).plan(policy, test_target()); });
  EXPECT_EQ(ragged.code(), ErrorCode::kUsage);
  EXPECT_NE(ragged.message().find("fold_at_load: block 48 does not divide 64; use 16, 32 or 64"), std::string::npos)
      << ragged.what();
}

TEST(Layout, AnAxisOutsideTheTensorIsAUsageError) {
  Policy policy = test_policy(DType::kInt8);
  policy.defaults.axis = 4;
  const Error error = error_of([&] {
    Planned(one_node("Conv", {1, 16, 8, 8}, {32, 16, 3, 3})).plan(policy, test_target());
  });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_NE(error.message().find("axis 4 is none of a tensor of rank 4"), std::string::npos) << error.what();
}

TEST(Layout, AWishedAxisIsTakenByFoldedWeights) {
  Use use = weights(DType::kInt8);
  use.axis = 1;
  EXPECT_EQ(planned(one_node("Conv", {1, 16, 8, 8}, {32, 16, 3, 3}), use).layout.channel_axes, (std::vector<int>{1}));
}

TEST(Layout, DequantizeLinearTakesOneAxisOfChannels) {
  const PlannedTensor lstm =
      planned(one_node("GRU", {5, 1, 40}, {1, 96, 40}), with_form(DType::kInt8, FormChoice::kDequantize));
  EXPECT_EQ(lstm.layout.channel_axes, (std::vector<int>{1}));
}

}  // namespace
}  // namespace vetquant::test
