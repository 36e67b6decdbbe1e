// Which rule decides, and what becomes of rules that decide nothing.
#include <gtest/gtest.h>

#include "plan_fixture.h"

namespace vetquant::test {
namespace {

// a -> fc1 -> fc2 -> y, and fc3 beside them
TestModel three_products() {
  TestModel model;
  auto graph = model.main();
  graph.input("a", kFloat, {-1, 64}).output("y", kFloat, {-1, 64}).output("z", kFloat, {-1, 64});
  for (const char* name : {"w1", "w2", "w3"})
    graph.floats(name, {64, 64}, random_floats(4096, static_cast<uint64_t>(name[1])));
  graph.node("MatMul", {"a", "w1"}, {"h"}, "fc1");
  graph.node("MatMul", {"h", "w2"}, {"y"}, "fc2");
  graph.node("MatMul", {"a", "w3"}, {"z"}, "fc3");
  return model;
}

Use keep() {
  Use use;
  use.keep = true;
  return use;
}

Match by_node(const std::string& glob) {
  Match match;
  match.node = {glob};
  return match;
}

TEST(Match, TheFirstRuleWinsAndIsNamed) {
  Policy policy = test_policy(DType::kInt8);
  policy.rules = {rule("first", by_node("/fc1"), keep()), rule("second", by_node("/fc*"), weights(DType::kInt4))};
  const Plan plan = Planned(three_products()).plan(policy, test_target());
  ASSERT_NE(kept_named(plan, "w1"), nullptr);
  EXPECT_EQ(kept_named(plan, "w1")->reason.rule, "first");
  EXPECT_EQ(kept_named(plan, "w1")->reason.position.text(), "p.yaml:10:5");
  ASSERT_NE(tensor_named(plan, "w2"), nullptr);
  EXPECT_EQ(tensor_named(plan, "w2")->stored_type, DType::kInt4);
  EXPECT_EQ(tensor_named(plan, "w2")->reason.rule, "second");
}

TEST(Match, AnUnnamedRuleIsCalledByItsNumber) {
  Policy policy = test_policy(DType::kInt8);
  policy.rules = {rule("", by_node("/fc1"), weights(DType::kInt4))};
  EXPECT_EQ(tensor_named(Planned(three_products()).plan(policy, test_target()), "w1")->reason.rule, "rule 1");
}

TEST(Match, BetweenTakesTheNodesOnThePathAlone) {
  Match between;
  between.between = {"a", "h"};
  Policy policy = test_policy(DType::kInt8);
  policy.rules = {rule("path", between, weights(DType::kInt4))};
  const Plan plan = Planned(three_products()).plan(policy, test_target());
  EXPECT_EQ(tensor_named(plan, "w1")->stored_type, DType::kInt4);
  EXPECT_EQ(tensor_named(plan, "w2")->stored_type, DType::kInt8);
  EXPECT_EQ(tensor_named(plan, "w3")->stored_type, DType::kInt8);
}

TEST(Match, BetweenReachesIntoBranchesOfANodeOnThePath) {
  TestModel model;
  auto graph = model.main();
  graph.input("c", onnx::TensorProto::BOOL, {}).input("a", kFloat, {-1, 64}).output("y", kFloat, {-1, 64});
  graph.floats("w", {64, 64}, random_floats(4096, 1));
  auto& decide = graph.node("If", {"c"}, {"h"}, "decide");
  for (const char* branch : {"then_branch", "else_branch"}) {
    auto body = subgraph(decide, branch);
    body.output(std::string(branch) + "_out", kFloat, {-1, 64});
    body.node("MatMul", {"a", "w"}, {std::string(branch) + "_out"}, "fc");
  }
  graph.node("Relu", {"h"}, {"y"}, "relu");
  Match between;
  between.between = {"a", "h"};
  Policy policy = test_policy(DType::kInt8);
  policy.rules = {rule("path", between, weights(DType::kInt4))};
  const Plan plan = Planned(model).plan(policy, test_target());
  ASSERT_EQ(plan.tensors.size(), 1u);  // both branches share the outer weight
  EXPECT_EQ(plan.tensors[0].stored_type, DType::kInt4);
  EXPECT_EQ(plan.tensors[0].uses.size(), 2u);
}

TEST(Match, BetweenNamesTheNearestValueWhereOneIsUnknown) {
  Match between;
  between.between = {"a", "hh"};
  Policy policy = test_policy(DType::kInt8);
  policy.rules = {rule("path", between, weights(DType::kInt4))};
  const Error error = error_of([&] { Planned(three_products()).plan(policy, test_target()); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_EQ(error.where(), "p.yaml:10:5");
  EXPECT_NE(error.message().find("the model has no value 'hh' for `between`"), std::string::npos) << error.what();
}

TEST(Match, AnOwnRuleThatMatchesNothingIsAnError) {
  Match match;
  match.op = {"Matmul"};
  Policy policy = test_policy(DType::kInt8);
  policy.rules = {rule("typo", match, weights(DType::kInt4))};
  const Error error = error_of([&] { Planned(three_products()).plan(policy, test_target()); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_EQ(error.where(), "p.yaml:10:5");
  EXPECT_EQ(error.message(),
            "rule 'typo' matches nothing in this model: no operator is called 'Matmul'; did you mean 'MatMul'?; or say "
            "`on_unmatched_rule: warn`");
}

TEST(Match, AnUnmatchedRuleIsAWarningWhereThePolicySaysSo) {
  Policy policy = test_policy(DType::kInt8);
  policy.on_unmatched_rule = OnUnmatchedRule::kWarn;
  policy.rules = {rule("typo", by_node("/fc9"), keep())};
  EXPECT_TRUE(mentions(Planned(three_products()).plan(policy, test_target()).warnings,
                       "p.yaml:10:5: rule 'typo' matches nothing"));
}

TEST(Match, AnInheritedRuleMayMatchNothing) {
  Policy policy = test_policy(DType::kInt8);
  policy.rules = {rule("theirs", by_node("/fc9"), keep())};
  policy.rules[0].inherited = Inherited::kYes;
  EXPECT_TRUE(Planned(three_products()).plan(policy, test_target()).warnings.empty());
}

TEST(Match, AShadowedRuleIsAWarning) {
  Policy policy = test_policy(DType::kInt8);
  policy.rules = {rule("all", by_node("/fc*"), weights(DType::kInt4)), rule("late", by_node("/fc1"), keep())};
  EXPECT_TRUE(mentions(Planned(three_products()).plan(policy, test_target()).warnings,
                       "rule 'late' decides nothing: another rule"));
}

TEST(Match, ARuleForNodesWithoutWeightsIsAWarning) {
  TestModel model = three_products();
  model.main().output("s", kFloat, {-1, 64}).node("Softmax", {"a"}, {"s"}, "soft");
  Policy policy = test_policy(DType::kInt8);
  policy.rules = {rule("soft", by_node("/soft"), weights(DType::kInt4))};
  EXPECT_TRUE(
      mentions(Planned(model).plan(policy, test_target()).warnings, "the nodes that it matches hold no float weights"));
  policy.rules[0].use = keep();
  EXPECT_TRUE(Planned(model).plan(policy, test_target()).warnings.empty());
}

TEST(Match, ARuleForSmallTensorsIsAWarning) {
  TestModel model = three_products();
  model.main()
      .floats("small", {64}, random_floats(64, 9))
      .output("s", kFloat, {-1, 64})
      .node("Add", {"a", "small"}, {"s"}, "add");
  Match match;
  match.tensor = {"small"};
  Policy policy = test_policy(DType::kInt8);
  policy.rules = {rule("small one", match, weights(DType::kInt8))};
  EXPECT_TRUE(
      mentions(Planned(model).plan(policy, test_target()).warnings, "smaller than tensors.min_elements (1024)"));
}

}  // namespace
}  // namespace vetquant::test
