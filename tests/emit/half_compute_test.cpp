// Nodes that compute in fp16: casts at the borders of a region alone, float for everybody else.
#include <gtest/gtest.h>

#include <algorithm>

#include "places.h"

namespace vetquant::test {
namespace {

WeightPlan halves(const std::string& weight, const std::string& node, int input = 1) {
  WeightPlan plan;
  plan.weight = weight;
  plan.form = Form::kHalfCompute;
  plan.stored_type = DType::kFloat16;
  plan.uses = {{.node = node, .input = input}};
  return plan;
}

// x -> MatMul -> Relu -> MatMul -> y
Case chain_case() {
  Case c;
  c.input = {"x", make_floats({3, 32}, random_floats(96, 41))};
  c.weights = {{"w", {32, 40}, random_floats(32 * 40, 42)}, {"v", {40, 24}, random_floats(40 * 24, 43)}};
  c.nodes = {{"MatMul", {"x", "w"}, {"a"}, "first", {}},
             {"Relu", {"a"}, {"r"}, "bend", {}},
             {"MatMul", {"r", "v"}, {"y"}, "second", {}}};
  c.output_dims = {3, 24};
  return c;
}

const std::vector<WeightPlan> kBoth{halves("w", "first"), halves("v", "second")};

uint64_t casts(const Rewritten& rewritten) {
  const auto ops = written(rewritten.path);
  const auto found = ops.find("Cast");
  return found == ops.end() ? 0 : found->second;
}

TEST(HalfCompute, OneCastIntoTheRegionAndOneOutOfIt) {
  const Case c = chain_case();
  for (Where where : all_places()) {
    SCOPED_TRACE(name_of(where));
    const Rewritten rewritten = rewrite(build(c, where), kBoth, Contrib::kYes, {{"bend", Form::kHalfCompute}});
    EXPECT_EQ(casts(rewritten), 2u);
    const double error = error_of(c, c, where, rewritten);
    EXPECT_GT(error, 1e-6);
    EXPECT_LT(error, 5e-3);
    const auto& graph = rewritten.emitted.skeleton->graph();
    EXPECT_EQ(graph.input(0).type().tensor_type().elem_type(), kFloat);
    EXPECT_EQ(graph.output(0).type().tensor_type().elem_type(), kFloat);
  }
}

TEST(HalfCompute, ANodeThatStaysFloatInBetweenIsSurroundedByCasts) {
  const Case c = chain_case();
  const Rewritten rewritten = rewrite(build(c, Where::kTop), kBoth);
  EXPECT_EQ(casts(rewritten), 4u);
  EXPECT_LT(error_of(c, c, Where::kTop, rewritten), 5e-3);
}

TEST(HalfCompute, AValueIsCastOnceForAllItsReaders) {
  Case c = chain_case();
  c.weights[1].dims = {32, 40};
  c.weights[1].values = random_floats(32 * 40, 44);
  c.nodes = {{"MatMul", {"x", "w"}, {"a"}, "first", {}},
             {"MatMul", {"x", "v"}, {"b"}, "second", {}},
             {"Mul", {"a", "b"}, {"y"}, "product", {}}};
  c.output_dims = {3, 40};
  const Rewritten rewritten =
      rewrite(build(c, Where::kIfOuter), kBoth, Contrib::kYes, {{"product", Form::kHalfCompute}});
  EXPECT_EQ(casts(rewritten), 2u);
  EXPECT_LT(error_of(c, c, Where::kIfOuter, rewritten), 1e-2);
}

TEST(HalfCompute, AValueReadInBothTypesKeepsItsFloatName) {
  Case c = chain_case();
  c.nodes = {{"MatMul", {"x", "w"}, {"a"}, "first", {}},
             {"Sigmoid", {"a"}, {"s"}, "float_reader", {}},
             {"MatMul", {"a", "v"}, {"b"}, "second", {}},
             {"ReduceMean", {"s"}, {"m"}, "mean", {}},
             {"Add", {"b", "m"}, {"y"}, "sum", {}}};
  const Rewritten rewritten = rewrite(build(c, Where::kTop), kBoth);
  EXPECT_EQ(casts(rewritten), 3u);  // x in, a and b back
  const auto& nodes = rewritten.emitted.skeleton->graph().node();
  const auto reader =
      std::find_if(nodes.begin(), nodes.end(), [](const auto& node) { return node.name() == "float_reader"; });
  ASSERT_NE(reader, nodes.end());
  EXPECT_EQ(reader->input(0), "a");
  EXPECT_LT(error_of(c, c, Where::kTop, rewritten), 5e-3);
}

TEST(HalfCompute, InputsOfAnotherTypeVariableStayAsTheyAre) {
  Case c;
  c.input = {"x", make_floats({1, 2, 8}, random_floats(16, 45))};
  c.weights = {{"w", {8, 8}, random_floats(64, 46)}, {"scales", {3}, {1, 1, 2}}};
  c.nodes = {{"MatMul", {"x", "w"}, {"a"}, "first", {}},
             {"Resize", {"a", "", "scales"}, {"y"}, "resize", [](onnx::NodeProto& node) {
                set_string(node, "mode", "nearest");
              }}};
  c.output_dims = {1, 2, 16};
  const Rewritten rewritten =
      rewrite(build(c, Where::kTop), {halves("w", "first")}, Contrib::kYes, {{"resize", Form::kHalfCompute}});
  EXPECT_EQ(casts(rewritten), 2u);
  EXPECT_LT(error_of(c, c, Where::kTop, rewritten), 5e-3);
  for (const auto& node : rewritten.emitted.skeleton->graph().node()) {
    if (node.name() == "resize") {
      EXPECT_EQ(node.input(2), "scales");
    }
  }
}

TEST(HalfCompute, AnOperatorWithoutHalvesStaysFloatAndTheLogSaysSo) {
  Case c = chain_case();
  c.nodes[1] = {"Celu", {"a"}, {"r"}, "bend", {}};
  const Rewritten rewritten = rewrite(build(c, Where::kTop), kBoth, Contrib::kYes, {{"bend", Form::kHalfCompute}});
  EXPECT_EQ(casts(rewritten), 4u);
  EXPECT_LT(error_of(c, c, Where::kTop, rewritten), 5e-3);
  EXPECT_EQ(rewritten.emitted.log.steps.front(),
            "2 nodes compute in fp16, 1 stay float, as their operators have no fp16 here: Celu");
}

TEST(HalfCompute, SubgraphsCaptureFloat) {
  TestModel model;
  model.main().input("x", kFloat, {3, 32}).input("cond", onnx::TensorProto::BOOL, {}).output("y", kFloat, {3, 40});
  model.main().floats("w", {32, 40}, random_floats(32 * 40, 42)).floats("v", {40, 40}, random_floats(1600, 43));
  model.main().node("MatMul", {"x", "w"}, {"a"}, "first");
  auto& decide = model.main().node("If", {"cond"}, {"y"}, "decide");
  subgraph(decide, "then_branch").output("t", kFloat, {3, 40}).node("MatMul", {"a", "v"}, {"t"}, "second");
  subgraph(decide, "else_branch").output("e", kFloat, {3, 40}).node("Identity", {"a"}, {"e"}, "same");
  const Rewritten rewritten = rewrite(model, kBoth);
  EXPECT_EQ(casts(rewritten), 4u);
  const Case c = chain_case();
  const auto float_path = rewritten.folder->path() / "float.onnx";
  EXPECT_LT(relative_error(run(float_path, c, Where::kIfOuter), run(rewritten.path, c, Where::kIfOuter)), 5e-3);
}

}  // namespace
}  // namespace vetquant::test
