// The clean-ups `identities` and `constants`.
#include "tidy.h"

#include <gtest/gtest.h>

#include "places.h"

namespace vetquant::test {
namespace {

std::vector<std::string> nodes_of(const onnx::GraphProto& graph) {
  std::vector<std::string> names;
  for (const auto& node : graph.node()) names.push_back(node.name());
  return names;
}

TEST(Identities, ReadersReadTheSourceThroughChainsAndScopes) {
  TestModel model;
  auto graph = model.main();
  graph.input("x", kFloat, {2}).input("cond", onnx::TensorProto::BOOL, {}).output("y").output("same");
  graph.node("Identity", {"x"}, {"a"}, "first");
  graph.node("Identity", {"a"}, {"b"}, "second");
  graph.node("Identity", {"b"}, {"same"}, "is output");
  auto& info = *graph.proto().add_value_info();
  info.set_name("b");
  auto& decide = graph.node("If", {"cond"}, {"y"}, "decide");
  subgraph(decide, "then_branch").output("t").node("Neg", {"b"}, {"t"}, "neg");
  subgraph(decide, "else_branch").output("e").node("Abs", {"a"}, {"e"}, "abs");
  EmitLog log;
  remove_identities(model.proto(), log);
  EXPECT_EQ(log.steps, std::vector<std::string>{"identities: Identity nodes removed: 2"});
  const auto& result = model.proto().graph();
  EXPECT_EQ(nodes_of(result), (std::vector<std::string>{"is output", "decide"}));
  EXPECT_EQ(result.node(0).input(0), "x");
  for (const auto& branch : result.node(1).attribute()) EXPECT_EQ(branch.g().node(0).input(0), "x");
  EXPECT_EQ(result.value_info_size(), 0);
}

TEST(Identities, StayWhereAnInnerScopeHasAnotherValueOfThatName) {
  TestModel model;
  auto graph = model.main();
  graph.input("x", kFloat, {2}).input("cond", onnx::TensorProto::BOOL, {}).output("y");
  graph.node("Identity", {"x"}, {"a"}, "first");
  auto& decide = graph.node("If", {"cond"}, {"y"}, "decide");
  auto then = subgraph(decide, "then_branch");
  then.output("t").node("Neg", {"a"}, {"x"}, "shadows");
  then.node("Add", {"x", "a"}, {"t"}, "sum");
  subgraph(decide, "else_branch").output("e").node("Abs", {"a"}, {"e"}, "abs");
  EmitLog log;
  remove_identities(model.proto(), log);
  EXPECT_TRUE(log.steps.empty());
  EXPECT_EQ(model.proto().graph().node(0).name(), "first");
}

TEST(Identities, GoInFunctions) {
  TestModel model;
  model.import_domain("own", 1);
  auto& function = model.function("own", "Twice", {"p"}, {"q"});
  add_node(function, "Identity", {"p"}, {"r"}, "same");
  add_node(function, "Add", {"r", "r"}, {"q"}, "sum");
  model.main().input("x", kFloat, {2}).output("y").node("Twice", {"x"}, {"y"}, "call", "own");
  EmitLog log;
  remove_identities(model.proto(), log);
  ASSERT_EQ(model.proto().functions(0).node_size(), 1);
  EXPECT_EQ(model.proto().functions(0).node(0).input(1), "p");
}

TestModel with_constants(int64_t ir_version) {
  TestModel model(17, ir_version);
  auto graph = model.main();
  graph.input("x", kFloat, {2}).input("cond", onnx::TensorProto::BOOL, {}).output("y").output("c");
  graph.constant("c", float_tensor("", {2}, random_floats(2, 1)));  // an output of the graph
  graph.constant("d", float_tensor("named otherwise", {2}, random_floats(2, 2)));
  auto& decide = graph.node("If", {"cond"}, {"y"}, "decide");
  auto then = subgraph(decide, "then_branch");
  then.output("t").constant("k", float_tensor("", {2}, random_floats(2, 3)));
  then.node("Add", {"d", "k"}, {"t"}, "sum");
  subgraph(decide, "else_branch").output("e").node("Sub", {"x", "d"}, {"e"}, "difference");
  return model;
}

TEST(Constants, BecomeInitializersOfTheirOwnGraph) {
  TestModel model = with_constants(8);
  EmitLog log;
  turn_constants_to_initializers(model.proto(), log);
  EXPECT_EQ(log.steps, std::vector<std::string>{"constants: Constant nodes made initializers: 2"});
  const auto& graph = model.proto().graph();
  ASSERT_EQ(graph.initializer_size(), 1);
  EXPECT_EQ(graph.initializer(0).name(), "d");
  ASSERT_EQ(graph.node_size(), 2);
  EXPECT_EQ(graph.node(0).op_type(), "Constant") << "an output of the graph stays";
  EXPECT_EQ(graph.node(1).attribute(0).g().initializer(0).name(), "k");
}

TEST(Constants, StayBelowIrVersion4) {
  TestModel model = with_constants(3);
  EmitLog log;
  turn_constants_to_initializers(model.proto(), log);
  EXPECT_TRUE(log.steps.empty());
  EXPECT_EQ(model.proto().graph().initializer_size(), 0);
}

// A large constant stays a place in the source file: only its mark moves.
TEST(Tidied, AModelGivesTheSameAnswersToTheBit) {
  TestModel model;
  auto graph = model.main();
  graph.input("x", kFloat, {4, 64}).output("y", kFloat, {4, 64});
  graph.floats("w", {64, 64}, random_floats(4096, 1));
  graph.constant("large", float_tensor("", {64, 64}, random_floats(4096, 2)));
  graph.node("Identity", {"x"}, {"x_same"}, "same");
  graph.node("MatMul", {"x_same", "w"}, {"m"}, "target");
  graph.node("MatMul", {"m", "large"}, {"n"}, "other");
  graph.node("Identity", {"n"}, {"n_same"}, "same again");
  graph.node("Tanh", {"n_same"}, {"y"}, "tanh");
  WeightPlan plan;
  plan.weight = "w";
  plan.layout = {.channel_axes = {1}};
  plan.uses = {{.node = "target"}};
  const auto answer = [](const Rewritten& rewritten) {
    return to_doubles(run(rewritten.path, {{"x", make_floats({4, 64}, random_floats(256, 3))}}));
  };
  const Rewritten off = rewrite(model, {plan}), on = rewrite(model, {plan}, Contrib::kYes, {}, CleanUp{});
  EXPECT_EQ(written(off.path).at("Identity"), 2u);
  EXPECT_EQ(written(on.path).count("Identity") + written(on.path).count("Constant"), 0u);
  EXPECT_EQ(answer(on), answer(off));
}

}  // namespace
}  // namespace vetquant::test
