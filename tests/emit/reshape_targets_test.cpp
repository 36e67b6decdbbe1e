// Reshapes whose computed target becomes a constant: which, and that results stay equal to the bit.
#include <gtest/gtest.h>

#include <cstring>

#include "places.h"

namespace vetquant::test {
namespace {

constexpr CleanUp kReshapeTargets{.reshape_targets = true, .identities = false, .constants = false};

WeightPlan folded() {
  WeightPlan plan;
  plan.weight = "w";
  plan.layout = {.channel_axes = {1}};
  plan.uses = {{.node = "target"}};
  return plan;
}

// The batch and the length of `of`, then 4 and -1, as exporters write it.
void add_target(GraphHandle graph, const std::string& of, const std::string& target) {
  graph.node("Shape", {of}, {target + "_shape"}, target + "_shape");
  graph.node("Gather", {target + "_shape", "zero"}, {target + "_batch"}, target + "_batch");
  graph.node("Gather", {target + "_shape", "one"}, {target + "_length"}, target + "_length");
  graph.node("Unsqueeze", {target + "_batch", "axis"}, {target + "_batch_"}, target + "_batch_");
  graph.node("Unsqueeze", {target + "_length", "axis"}, {target + "_length_"}, target + "_length_");
  set_int(graph.node("Concat", {target + "_batch_", target + "_length_", "count", "rest"}, {target}, target), "axis",
          0);
}

// y = heads(x * w); the target's dimensions come from `of`.
TestModel heads(const std::string& of) {
  TestModel model;
  auto graph = model.main();
  graph.input("x", kFloat, {-1, -1, 16}).input("other", kFloat, {-1, -1}).output("y", kFloat, {-1, -1, 4, -1});
  graph.floats("w", {16, 20}, random_floats(320, 1));
  graph.int64s("zero", {}, {0})
      .int64s("one", {}, {1})
      .int64s("axis", {1}, {0})
      .int64s("count", {1}, {4})
      .int64s("rest", {1}, {-1});
  graph.node("MatMul", {"x", "w"}, {"m"}, "target");
  add_target(graph, of, "shape");
  graph.node("Reshape", {"m", "shape"}, {"y"}, "heads");
  return model;
}

std::vector<double> answer(const Rewritten& rewritten, const Dims& x, const Dims& other) {
  size_t count = 1;
  for (const int64_t dim : x) count *= static_cast<size_t>(dim);
  std::vector<NamedTensor> inputs{{"x", make_floats(x, random_floats(count, 9))}};
  if (!other.empty()) {
    inputs.push_back({"other", make_floats(other, random_floats(static_cast<size_t>(other[0] * other[1]), 10))});
  }
  return to_doubles(run(rewritten.path, inputs));
}

std::vector<int64_t> target_of(const Rewritten& rewritten, const std::string& node) {
  const auto& graph = rewritten.emitted.skeleton->graph();
  for (const auto& reshape : graph.node()) {
    if (reshape.name() != node) continue;
    for (const auto& tensor : graph.initializer()) {
      if (tensor.name() != reshape.input(1)) continue;
      std::vector<int64_t> values(tensor.raw_data().size() / sizeof(int64_t));
      std::memcpy(values.data(), tensor.raw_data().data(), tensor.raw_data().size());
      return values.empty() ? std::vector<int64_t>(tensor.int64_data().begin(), tensor.int64_data().end()) : values;
    }
  }
  return {};
}

TEST(ReshapeTargets, DimensionsOfTheDataBecomeZeros) {
  const Rewritten off = rewrite(heads("x"), {folded()}),
                  on = rewrite(heads("x"), {folded()}, Contrib::kYes, {}, kReshapeTargets);
  EXPECT_EQ(target_of(on, "heads"), (std::vector<int64_t>{0, 0, 4, -1}));
  EXPECT_EQ(on.emitted.log.steps.front(), "reshape_targets: shapes of Reshape made constant: 1");
  const auto operators = written(on.path);
  EXPECT_EQ(operators.count("Shape"), 0u);
  EXPECT_EQ(operators.count("Concat"), 0u);
  EXPECT_EQ(written(off.path).at("Shape"), 1u);
  EXPECT_EQ(answer(on, {2, 3, 16}, {1, 1}), answer(off, {2, 3, 16}, {1, 1}));
  EXPECT_EQ(answer(on, {1, 1, 16}, {1, 1}), answer(off, {1, 1, 16}, {1, 1}));
}

TEST(ReshapeTargets, WhatOnlyHappensToBeEqualStaysComputed) {
  const Rewritten on = rewrite(heads("other"), {folded()}, Contrib::kYes, {}, kReshapeTargets);
  EXPECT_TRUE(target_of(on, "heads").empty());
  EXPECT_EQ(written(on.path).at("Shape"), 1u);
  for (const std::string& step : on.emitted.log.steps) EXPECT_FALSE(step.starts_with("reshape_targets")) << step;
  // Its dimensions are other's: [3, 2] of 6 rows, not the [2, 3] of the data.
  EXPECT_EQ(answer(on, {2, 3, 16}, {3, 2}).size(), 120u);
}

TEST(ReshapeTargets, OneDimensionMayStayOpen) {
  TestModel model = heads("x");
  auto graph = model.main();
  graph.output("z").int64s("rows", {1}, {5});
  graph.node("Shape", {"other"}, {"o_shape"}, "o_shape");
  graph.node("Gather", {"o_shape", "axis"}, {"o_batch"}, "o_batch");  // axis is [0]: a vector
  set_int(graph.node("Concat", {"o_batch", "rows"}, {"o_target"}, "o_target"), "axis", 0);
  graph.node("Reshape", {"y", "o_target"}, {"z"}, "open");
  const Rewritten on = rewrite(model, {folded()}, Contrib::kYes, {}, kReshapeTargets);
  EXPECT_EQ(target_of(on, "open"), (std::vector<int64_t>{-1, 5}));
}

TEST(ReshapeTargets, AllowZeroMeansZero) {
  TestModel model = heads("x");
  for (auto& node : *model.proto().mutable_graph()->mutable_node()) {
    if (node.name() == "heads") set_int(node, "allowzero", 1);
  }
  EXPECT_TRUE(target_of(rewrite(model, {folded()}, Contrib::kYes, {}, kReshapeTargets), "heads").empty());
}

// Both branches compute the target from an outer value; each gets a constant of its own.
TEST(ReshapeTargets, AreFoundInBranchesThatReadOuterValues) {
  TestModel model;
  auto graph = model.main();
  graph.input("x", kFloat, {-1, -1, 16}).input("cond", onnx::TensorProto::BOOL, {}).output("y");
  graph.floats("w", {16, 20}, random_floats(320, 1));
  graph.node("MatMul", {"x", "w"}, {"m"}, "target");
  auto& decide = graph.node("If", {"cond"}, {"y"}, "decide");
  for (const std::string branch : {"then_branch", "else_branch"}) {
    auto body = subgraph(decide, branch);
    const std::string target = branch + "_to";
    body.int64s("zero", {}, {0})
        .int64s("one", {}, {1})
        .int64s("axis", {1}, {0})
        .int64s("count", {1}, {4})
        .int64s("rest", {1}, {-1});
    add_target(body, "x", target);
    body.output(branch + "_y").node("Reshape", {"m", target}, {branch + "_y"}, branch + "_heads");
  }
  const Rewritten on = rewrite(model, {folded()}, Contrib::kYes, {}, kReshapeTargets);
  EXPECT_EQ(on.emitted.log.steps.front(), "reshape_targets: shapes of Reshape made constant: 2");
  const HostTensor result = run(
      on.path, {{"x", make_floats({2, 3, 16}, random_floats(96, 4))}, {"cond", {DType::kBool, {}, {std::byte{1}}}}});
  EXPECT_EQ(result.shape, (Shape{2, 3, 4, 5}));
}

}  // namespace
}  // namespace vetquant::test
