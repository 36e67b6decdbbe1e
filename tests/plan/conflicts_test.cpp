// One tensor, several readers.
#include <gtest/gtest.h>

#include "plan_fixture.h"
#include "vetquant/plan/describe.h"

namespace vetquant::test {
namespace {

// A table of 512 x 64 that is looked up and, transposed, the head of the model.
TestModel tied_model(int64_t rows = -1) {
  TestModel model;
  auto graph = model.main();
  graph.input("ids", kInt64, {-1})
      .input("h", kFloat, {rows, 64})
      .output("e")
      .output("logits")
      .floats("table", {512, 64}, random_floats(512 * 64, 1));
  graph.node("Gather", {"table", "ids"}, {"e"}, "embed");
  set_ints(graph.node("Transpose", {"table"}, {"head_w"}, "turn"), "perm", {1, 0});
  graph.node("MatMul", {"h", "head_w"}, {"logits"}, "head");
  return model;
}

Match by_op(const std::string& op) {
  Match match;
  match.op = {op};
  return match;
}

Policy lenient(DType type) {
  Policy policy = test_policy(type);
  policy.on_unsupported = OnUnsupported::kKeep;
  return policy;
}

TEST(Conflicts, ATableAndItsTransposedHeadShareOneBlockTensor) {
  const Planned model(tied_model());
  const Plan plan = model.plan(lenient(DType::kInt8), test_target());
  ASSERT_EQ(plan.tensors.size(), 1u);
  const PlannedTensor& table = plan.tensors[0];
  EXPECT_EQ(table.form, Form::kMatMulNBits);
  EXPECT_EQ(table.view.shape(), (Shape{512, 64}));
  EXPECT_EQ(table.layout, (ScaleLayout{.channel_axes = {0}, .block_axis = 1, .block_size = 64}));
  ASSERT_EQ(table.uses.size(), 2u);
  EXPECT_FALSE(table.uses[0].transposed);
  EXPECT_TRUE(table.uses[1].transposed);
  EXPECT_EQ(node_named(plan, model.index(), "/embed")->form, Form::kGatherBlock);
  EXPECT_EQ(node_named(plan, model.index(), "/head")->form, Form::kMatMulNBits);
  EXPECT_EQ(node_named(plan, model.index(), "/head")->accuracy_level, 4);
  EXPECT_EQ(table.bytes_after, 512u * 64 + 512 * 2);
  EXPECT_NE(table.reason.text.find("one block tensor serves look-ups and products"), std::string::npos);
}

TEST(Conflicts, AHeadWithManyRowsJoinsTheTableToo) {
  const Planned model(tied_model(128));  // alone it would be dynamic_integer
  const Plan plan = model.plan(lenient(DType::kInt8), test_target());
  ASSERT_EQ(plan.tensors.size(), 1u);
  EXPECT_EQ(node_named(plan, model.index(), "/head")->form, Form::kMatMulNBits);
  EXPECT_EQ(node_named(plan, model.index(), "/head")->accuracy_level, 4);
}

TEST(Conflicts, FloatActivationsFoldTheSharedTableInsteadOfASlowHead) {
  Policy policy = lenient(DType::kInt8);
  policy.defaults.activations = Activations::kNone;
  const Planned model(tied_model());
  const Plan plan = model.plan(policy, test_target());
  ASSERT_EQ(plan.tensors.size(), 1u);
  EXPECT_EQ(plan.tensors[0].form, Form::kFoldAtLoad);
  EXPECT_EQ(plan.tensors[0].uses.size(), 2u);
  EXPECT_NE(node_named(plan, model.index(), "/embed")->cost.find("131.1 kB of memory as float"), std::string::npos)
      << node_named(plan, model.index(), "/embed")->cost;
}

TEST(Conflicts, TensorWideActivationsOfTheHeadStoreTwiceAndSaySo) {
  Policy policy = lenient(DType::kInt8);
  policy.defaults.activations = Activations::kDynamic;
  const Plan plan = Planned(tied_model()).plan(policy, test_target());
  EXPECT_EQ(plan.tensors.size(), 2u);
  EXPECT_EQ(totals(plan).bytes_before, 512u * 64 * 4);  // the one table that both are made of
  EXPECT_TRUE(
      mentions(plan.notes, "table is stored 2 times (no form serves all its uses): int8 gather_block for /embed"));
}

TEST(Conflicts, TwoWishesForOneTensorAreAnErrorThatNamesBoth) {
  Policy policy = test_policy(DType::kInt8);
  policy.rules = {rule("heads", by_op("MatMul"), weights(DType::kInt4))};
  const Error error = error_of([&] { Planned(tied_model()).plan(policy, test_target()); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_EQ(error.where(), "p.yaml:3:1");
  EXPECT_EQ(
      error.message(),
      "one tensor, two wishes: table is to be int8 gather_block for /embed (defaults) and int4 matmul_nbits for /head "
      "(heads) at p.yaml:10:5; make the rules agree, or say `tensors: {tied: apart}`");
}

TEST(Conflicts, ALenientPolicyTakesTheFinerWish) {
  Policy policy = lenient(DType::kInt8);
  policy.rules = {rule("heads", by_op("MatMul"), weights(DType::kInt4))};
  const Plan plan = Planned(tied_model()).plan(policy, test_target());
  ASSERT_EQ(plan.tensors.size(), 1u);
  EXPECT_EQ(plan.tensors[0].stored_type, DType::kInt8);
  EXPECT_EQ(plan.tensors[0].uses.size(), 2u);
}

TEST(Conflicts, ApartGivesEachReaderItsOwnCopyWithANote) {
  Policy policy = test_policy(DType::kInt8);
  policy.tensors.tied = Tied::kApart;
  policy.rules = {rule("heads", by_op("MatMul"), weights(DType::kInt4))};
  const Plan plan = Planned(tied_model()).plan(policy, test_target());
  ASSERT_EQ(plan.tensors.size(), 2u);
  EXPECT_TRUE(mentions(plan.notes, "table is stored 2 times (tied: apart)"));
}

TEST(Conflicts, ARuleThatKeepsOneReaderOfATensorKeepsAll) {
  Use keep;
  keep.keep = true;
  Policy policy = lenient(DType::kInt8);
  policy.rules = {rule("heads", by_op("MatMul"), keep)};
  const Plan plan = Planned(tied_model()).plan(policy, test_target());
  EXPECT_TRUE(plan.changes_nothing());
  EXPECT_EQ(plan.kept.size(), 2u);
  policy.on_unsupported = OnUnsupported::kError;
  EXPECT_EQ(error_of([&] { Planned(tied_model()).plan(policy, test_target()); }).code(), ErrorCode::kUsage);
}

TEST(Conflicts, TwoNamedFormsForOneTensorAreAnError) {
  Use rows = weights(DType::kInt8), blocks = weights(DType::kInt8);
  rows.form = FormChoice::kGatherRows;
  blocks.form = FormChoice::kMatMulNBits;
  Policy policy = test_policy(DType::kInt8);
  policy.rules = {rule("tables", by_op("Gather"), rows), rule("heads", by_op("MatMul"), blocks)};
  const Error error = error_of([&] { Planned(tied_model()).plan(policy, test_target()); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_NE(
      error.message().find(
          "one tensor, two forms: table is to be int8 gather_rows for /embed (tables) and int8 matmul_nbits for /head"),
      std::string::npos)
      << error.what();
}

TEST(Conflicts, ReadersOfSeveralKindsShareAFoldedTensor) {
  TestModel model = tied_model();
  model.main().input("m", kFloat, {512, 64}).output("z").node("Mul", {"m", "table"}, {"z"}, "scale");
  const Plan plan = Planned(model).plan(lenient(DType::kInt8), test_target());
  ASSERT_EQ(plan.tensors.size(), 1u);
  EXPECT_EQ(plan.tensors[0].form, Form::kFoldAtLoad);
  EXPECT_EQ(plan.tensors[0].uses.size(), 3u);
}

TEST(Conflicts, BranchesOfAnIfShareTheOuterWeight) {
  TestModel model;
  auto graph = model.main();
  graph.input("c", onnx::TensorProto::BOOL, {})
      .input("x", kFloat, {-1, 64})
      .output("y", kFloat, {-1, 96})
      .floats("w", {64, 96}, random_floats(6144, 1));
  auto& decide = graph.node("If", {"c"}, {"y"}, "decide");
  for (const char* branch : {"then_branch", "else_branch"}) {
    auto body = subgraph(decide, branch);
    const std::string out = std::string(branch) + "_y";
    body.output(out, kFloat, {-1, 96});
    body.node("MatMul", {"x", "w"}, {out}, "fc");
  }
  const Plan plan = Planned(model).plan(test_policy(DType::kInt8), test_target());
  ASSERT_EQ(plan.tensors.size(), 1u);
  EXPECT_EQ(plan.nodes.size(), 2u);
  EXPECT_EQ(plan.tensors[0].uses.size(), 2u);
}

TEST(Conflicts, BiasesOfARewrittenNodeStayFloat) {
  TestModel model;
  model.main()
      .input("x", kFloat, {-1, 64})
      .output("y")
      .floats("w", {64, 2048}, random_floats(64 * 2048, 1))
      .floats("b", {2048}, random_floats(2048, 2));
  model.main().node("Gemm", {"x", "w", "b"}, {"y"}, "fc");
  Match named;
  named.tensor = {"b"};
  Policy policy = test_policy(DType::kInt8);
  policy.rules = {rule("bias", named, weights(DType::kFloat16))};
  const Plan plan = Planned(model).plan(policy, test_target());
  ASSERT_EQ(plan.nodes.size(), 1u);
  EXPECT_EQ(kept_named(plan, "b")->reason.text, "the node is rewritten as matmul_nbits; its other inputs stay float");
}

}  // namespace
}  // namespace vetquant::test
