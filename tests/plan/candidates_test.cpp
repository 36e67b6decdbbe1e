// Which constants are weights, and which never.
#include <gtest/gtest.h>

#include "plan_fixture.h"

namespace vetquant::test {
namespace {

Plan int8_plan(const TestModel& model) {
  Policy policy = test_policy(DType::kInt8);
  policy.on_unsupported = OnUnsupported::kKeep;
  return Planned(model).plan(policy, test_target());
}

TEST(Candidates, ConstantsBelowMinElementsAreNotMentioned) {
  TestModel model;
  model.main()
      .input("x", kFloat, {4, 16})
      .output("y", kFloat, {4, 63})
      .floats("w", {16, 63}, random_floats(16 * 63, 1));
  model.main().node("MatMul", {"x", "w"}, {"y"}, "fc");
  const Plan plan = int8_plan(model);
  EXPECT_TRUE(plan.changes_nothing());
  EXPECT_TRUE(plan.kept.empty());
  EXPECT_TRUE(mentions(plan.notes, "no node reads a float constant of 1024 elements or more"));
}

TEST(Candidates, BiasesStayFloatUnlessARuleNamesThem) {
  TestModel model;
  model.main().input("x", kFloat, {4, 2048}).output("y", kFloat, {4, 2048}).floats("b", {2048}, random_floats(2048, 1));
  model.main().node("Add", {"x", "b"}, {"y"}, "add");
  const Plan kept = int8_plan(model);
  ASSERT_NE(kept_named(kept, "b"), nullptr);
  EXPECT_NE(kept_named(kept, "b")->reason.text.find("a bias or other vector stays float"), std::string::npos);

  Policy policy = test_policy(DType::kInt8);
  Match by_name;
  by_name.tensor = {"b"};
  policy.rules.push_back(rule("bias", by_name, weights(DType::kInt8)));
  const Plan taken = Planned(model).plan(policy, test_target());
  ASSERT_NE(tensor_named(taken, "b"), nullptr);
  EXPECT_EQ(tensor_named(taken, "b")->form, Form::kFoldAtLoad);
}

TEST(Candidates, HalvesTakeVectorsToo) {
  TestModel model;
  model.main().input("x", kFloat, {4, 2048}).output("y", kFloat, {4, 2048}).floats("b", {2048}, random_floats(2048, 1));
  model.main().node("Add", {"x", "b"}, {"y"}, "add");
  const Plan plan = Planned(model).plan(test_policy(DType::kFloat16), test_target());
  ASSERT_NE(tensor_named(plan, "b"), nullptr);
  EXPECT_EQ(tensor_named(plan, "b")->form, Form::kHalfStorage);
  EXPECT_EQ(tensor_named(plan, "b")->bytes_after, 4096u);
}

TEST(Candidates, NormsStayFloat) {
  TestModel model;
  model.main()
      .input("x", kFloat, {4, 2048})
      .output("y", kFloat, {4, 2048})
      .floats("gamma", {2048}, random_floats(2048, 1));
  model.main().node("LayerNormalization", {"x", "gamma"}, {"y"}, "norm");
  const Plan plan = int8_plan(model);
  ASSERT_NE(kept_named(plan, "gamma"), nullptr);
  EXPECT_NE(kept_named(plan, "gamma")->reason.text.find("normalisation"), std::string::npos);
}

TEST(Candidates, AMaskIsNoWeight) {
  TestModel model;
  std::vector<float> mask(64 * 64, 0.F);
  for (size_t i = 0; i < 64; ++i) {
    for (size_t j = i + 1; j < 64; ++j) mask[i * 64 + j] = -std::numeric_limits<float>::infinity();
  }
  model.main().input("x", kFloat, {64, 64}).output("y", kFloat, {64, 64}).floats("mask", {64, 64}, mask);
  model.main().node("Add", {"x", "mask"}, {"y"}, "add");
  const Plan plan = int8_plan(model);
  ASSERT_NE(kept_named(plan, "mask"), nullptr);
  EXPECT_NE(kept_named(plan, "mask")->reason.text.find("a mask"), std::string::npos);
}

TEST(Candidates, AnchorsAreNoWeights) {
  TestModel model;
  model.main()
      .input("x", kFloat, {1, 1024, 2})
      .output("y", kFloat, {1, 1024, 2})
      .floats("anchors", {1, 1024, 2}, random_floats(2048, 1));
  model.main().node("Add", {"x", "anchors"}, {"y"}, "add");
  const Plan plan = int8_plan(model);
  ASSERT_NE(kept_named(plan, "anchors"), nullptr);
  EXPECT_NE(kept_named(plan, "anchors")->reason.text.find("rows of 2: coordinates"), std::string::npos);
}

TEST(Candidates, PositionTablesAreStoredSmall) {
  TestModel model;
  model.main()
      .input("x", kFloat, {1, 64, 32})
      .output("y", kFloat, {1, 64, 32})
      .floats("positions", {64, 32}, random_floats(2048, 1));
  model.main().node("Add", {"x", "positions"}, {"y"}, "add");
  const Plan plan = int8_plan(model);
  ASSERT_NE(tensor_named(plan, "positions"), nullptr);
  EXPECT_EQ(tensor_named(plan, "positions")->layout.channel_axes, (std::vector<int>{0}));
}

TEST(Candidates, WeightsBehindIdentityAndTransposeBelongToTheLastReader) {
  TestModel model;
  model.main()
      .input("x", kFloat, {-1, 64})
      .output("y", kFloat, {-1, 96})
      .floats("w", {96, 64}, random_floats(64 * 96, 1));
  model.main().node("Identity", {"w"}, {"w2"}, "copy");
  set_ints(model.main().node("Transpose", {"w2"}, {"wt"}, "turn"), "perm", {1, 0});
  model.main().node("MatMul", {"x", "wt"}, {"y"}, "fc");
  const Plan plan = int8_plan(model);
  ASSERT_EQ(plan.tensors.size(), 1u);
  EXPECT_EQ(plan.tensors[0].name, "w");
  EXPECT_EQ(plan.tensors[0].view.shape(), (Shape{96, 64}));  // [N, K]
  EXPECT_TRUE(plan.tensors[0].view.is_whole_tensor());       // the two transposes cancel
}

TEST(Candidates, OverridableInitializersStayWithANote) {
  TestModel model = product_model();
  model.main().input("w", kFloat, {64, 96});
  const Plan plan = int8_plan(model);
  EXPECT_TRUE(plan.changes_nothing());
  ASSERT_NE(kept_named(plan, "w"), nullptr);
  EXPECT_EQ(kept_named(plan, "w")->reason.text, "listed as graph input: callers may override it");
  EXPECT_TRUE(mentions(plan.notes, "which callers may override"));
}

TEST(Candidates, BelowIrVersion4InitializersThatAreInputsAreConstants) {
  TestModel model(9, 3);
  model.main().input("x", kFloat, {-1, 64}).input("w", kFloat, {64, 96}).output("y", kFloat, {-1, 96});
  model.main().floats("w", {64, 96}, random_floats(64 * 96, 1)).node("MatMul", {"x", "w"}, {"y"}, "fc");
  EXPECT_NE(tensor_named(int8_plan(model), "w"), nullptr);
}

TEST(Candidates, AnInitializerThatIsAnOutputStays) {
  TestModel model = product_model();
  model.main().output("w", kFloat, {64, 96});
  const Plan plan = int8_plan(model);
  EXPECT_TRUE(plan.changes_nothing());
  ASSERT_NE(kept_named(plan, "w"), nullptr);
  EXPECT_NE(kept_named(plan, "w")->reason.text.find("an output of the model"), std::string::npos);
}

TEST(Candidates, OperatorsOfUnknownDomainsAreLeftUntouched) {
  TestModel model;
  model.import_domain("acme", 1);
  model.main()
      .input("x", kFloat, {-1, 64})
      .output("y", kFloat, {-1, 96})
      .floats("w", {64, 96}, random_floats(64 * 96, 1));
  model.main().node("Blend", {"x", "w"}, {"y"}, "blend", "acme");
  const Plan plan = int8_plan(model);
  ASSERT_NE(kept_named(plan, "w"), nullptr);
  EXPECT_EQ(kept_named(plan, "w")->reason.text, "read by acme:Blend: an operator of an unknown domain, left untouched");
  EXPECT_EQ(kept_named(plan, "w")->reason.rule, "built in");
}

TEST(Candidates, AWeightThatAnUnknownOperatorAlsoReadsStaysForAll) {
  TestModel model = product_model();
  model.import_domain("acme", 1);
  model.main().output("z", kFloat, {-1, 96}).node("Blend", {"x", "w"}, {"z"}, "blend", "acme");
  const Plan plan = int8_plan(model);
  EXPECT_TRUE(plan.changes_nothing());
  ASSERT_NE(kept_named(plan, "w"), nullptr);
  EXPECT_EQ(kept_named(plan, "w")->reason.text, "the file holds it as float anyway: /blend needs it as it is");
}

TEST(Candidates, NodesThatAreAlreadyQuantizedAreCounted) {
  TestModel model = product_model();
  model.main().floats("s", {1}, std::vector<float>{1.F}).output("q", onnx::TensorProto::UINT8, {-1, 64});
  model.main().node("QuantizeLinear", {"x", "s"}, {"q"}, "quantize");
  EXPECT_TRUE(mentions(int8_plan(model).notes, "1 node is already quantized and left untouched"));
}

}  // namespace
}  // namespace vetquant::test
