// The plan for readers.
#include "vetquant/plan/describe.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "plan_fixture.h"

namespace vetquant::test {
namespace {

TestModel two_layers() {
  TestModel model = product_model(80);
  model.main().floats("gamma", {2048}, random_floats(2048, 3)).input("z", kFloat, {1, 2048}).output("n");
  model.main().node("LayerNormalization", {"z", "gamma"}, {"n"}, "norm");
  return model;
}

TEST(Describe, OneLineForEachDecision) {
  const Planned model(two_layers());
  const Plan plan = model.plan(test_policy(DType::kInt8), test_target());
  const std::vector<std::string> lines = plan_lines(plan, model.index());
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0],
            "w  [64, 96]  int8 channel sym rtn  dynamic_integer  24.6 kB -> 6.5 kB  defaults (p.yaml:3:1)  "
            "int8 weights, 80 rows: reason 1 (t.yaml:1:1)");
  EXPECT_EQ(lines[1], "node /fc  dynamic_integer  rows 80  defaults (p.yaml:3:1)");
  EXPECT_TRUE(lines[2].starts_with("kept gamma at /norm  8.2 kB  defaults (p.yaml:3:1)  scale or shift"));
}

TEST(Describe, TheJsonSaysTheSame) {
  const Planned model(two_layers());
  const auto json = plan_to_json(model.plan(test_policy(DType::kInt8), test_target()), model.index());
  EXPECT_EQ(json["schema"], "vetquant.plan/1");
  EXPECT_EQ(json["totals"]["tensors"], 1);
  EXPECT_EQ(json["totals"]["bytes_after"], 64 * 96 + 96 * 4);
  EXPECT_EQ(json["tensors"][0]["name"], "w");
  EXPECT_EQ(json["tensors"][0]["reason"]["position"], "p.yaml:3:1");
  EXPECT_EQ(json["tensors"][0]["layout"]["scale_shape"], (std::vector<int>{96}));
  EXPECT_EQ(json["nodes"][0]["rows"], 80);
  EXPECT_EQ(json["kept"][0]["node"], "/norm");
}

TEST(Describe, PlansOfTheSameInputAreEqual) {
  const Planned first(two_layers()), second(two_layers());
  const auto text = [](const Planned& model) {
    return plan_to_json(model.plan(test_policy(DType::kInt8), test_target()), model.index()).dump();
  };
  EXPECT_EQ(text(first), text(second));
}

TEST(Describe, AChangedRuleChangesTheLinesOfItsTensorsAlone) {
  TestModel model = product_model(1);
  model.main().floats("w2", {96, 64}, random_floats(6144, 5)).output("o").node("MatMul", {"y", "w2"}, {"o"}, "fc2");
  const Planned loaded(model);
  Policy policy = test_policy(DType::kInt8);
  const auto before = plan_lines(loaded.plan(policy, test_target()), loaded.index());
  Match match;
  match.node = {"/fc2"};
  policy.rules = {rule("second", match, weights(DType::kInt4))};
  const auto after = plan_lines(loaded.plan(policy, test_target()), loaded.index());
  ASSERT_EQ(before.size(), 4u);
  ASSERT_EQ(after.size(), 4u);
  EXPECT_EQ(before[0], after[0]);
  EXPECT_NE(before[1], after[1]);
  EXPECT_EQ(before[2], after[2]);
}

TEST(Describe, ExplainFindsATensorByItsReaderToo) {
  const Planned model(two_layers());
  const Plan plan = model.plan(test_policy(DType::kInt8), test_target());
  const std::string by_tensor = explain(plan, model.index(), "w");
  EXPECT_EQ(by_tensor, explain(plan, model.index(), "/fc"));
  EXPECT_NE(by_tensor.find("w: int8 channel sym rtn, form dynamic_integer, 24.6 kB -> 6.5 kB"), std::string::npos)
      << by_tensor;
  EXPECT_NE(by_tensor.find("read by /fc (input 1): dynamic_integer"), std::string::npos);
  EXPECT_NE(explain(plan, model.index(), "gamma").find("stays as it is"), std::string::npos);
  EXPECT_NE(explain(plan, model.index(), "x").find("an input of the graph, no weight"), std::string::npos);
}

TEST(Describe, ExplainAnswersForWhateverHasAName) {
  TestModel source;
  GraphHandle graph = source.main();
  graph.input("x", kFloat, {1, 64}).output("y", kFloat, {1, 96}).output("z", kFloat, {1, 4});
  graph.floats("upper", {32, 96}, random_floats(32 * 96, 1)).floats("lower", {32, 96}, random_floats(32 * 96, 2));
  graph.floats("spare", {4}, random_floats(4, 3)).floats("small", {4}, random_floats(4, 4)).int64s("shape", {1}, {4});
  set_int(graph.node("Concat", {"upper", "lower"}, {"w"}, "join"), "axis", 0);
  graph.node("MatMul", {"x", "w"}, {"y"}, "fc");
  graph.constant("four", float_tensor("", {4}, random_floats(4, 5)));
  graph.node("Add", {"small", "four"}, {"sum"}, "add");
  graph.node("Expand", {"sum", "shape"}, {"z"}, "wide");
  const Planned model(source);
  const Plan plan = model.plan(test_policy(DType::kInt8), test_target());
  const auto answer = [&](const char* name) { return explain(plan, model.index(), name); };
  EXPECT_EQ(answer("lower"), answer("w"));  // a part of what is stored
  EXPECT_NE(answer("upper").find("form matmul_nbits"), std::string::npos) << answer("upper");
  EXPECT_EQ(answer("spare"), "spare: stays as it is: no node reads it\n");
  const std::string why = " elements, below tensors.min_elements or read by nothing that the plan rewrites\n";
  EXPECT_EQ(answer("small"), "small: stays as it is: a float constant of 4" + why);
  EXPECT_EQ(answer("four"), "four: stays as it is: a float constant of 4" + why);
  EXPECT_EQ(answer("shape"), "shape: stays as it is: holds int64, no float weight\n");
  EXPECT_EQ(answer("sum"), "sum: computed by /add\n");
}

TEST(Describe, ExplainOfAnUnknownNameIsAUsageErrorWithTheNearest) {
  const Planned model(product_model());
  const Plan plan = model.plan(test_policy(DType::kInt8), test_target());
  const Error error = error_of([&] { explain(plan, model.index(), "/fd"); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_NE(error.message().find("the model has no tensor or node '/fd'; did you mean '/fc'?"), std::string::npos)
      << error.what();
}

}  // namespace
}  // namespace vetquant::test
