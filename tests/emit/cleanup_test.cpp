// What a rewrite leaves of the graph: nothing that it made dead, everything else, and no word about values that are gone.
#include <gtest/gtest.h>

#include "graph_editor.h"
#include "places.h"
#include "vetquant/core/error.h"

namespace vetquant::test {
namespace {

WeightPlan folded(const std::string& weight, const std::string& node) {
  WeightPlan plan;
  plan.weight = weight;
  plan.layout = {.channel_axes = {1}};
  plan.uses = {{.node = node}};
  return plan;
}

std::vector<std::string> initializers(const onnx::GraphProto& graph) {
  std::vector<std::string> names;
  for (const auto& tensor : graph.initializer()) names.push_back(tensor.name());
  return names;
}

// w behind Identity and Transpose; "dead" was dead before.
TestModel chained() {
  TestModel model;
  auto graph = model.main();
  graph.input("x", kFloat, {2, 16}).output("y", kFloat, {2, 8}).output("z", kFloat, {8, 16});
  graph.floats("w", {8, 16}, random_floats(128, 1))
      .floats("kept", {8, 16}, random_floats(128, 2))
      .floats("dead", {3}, random_floats(3, 3));
  graph.node("Identity", {"w"}, {"w_same"}, "same");
  graph.node("Transpose", {"w_same"}, {"w_t"}, "swap");
  graph.node("Transpose", {"dead"}, {"dead_t"}, "dead_swap");
  graph.node("MatMul", {"x", "w_t"}, {"y"}, "target");
  graph.node("Identity", {"kept"}, {"z"}, "pass");
  auto& info = *graph.proto().add_value_info();
  info.set_name("w_t");
  info.mutable_type()->mutable_tensor_type()->set_elem_type(kFloat);
  auto& annotation = *graph.proto().add_quantization_annotation();
  annotation.set_tensor_name("w");
  auto& stays = *graph.proto().add_quantization_annotation();
  stays.set_tensor_name("kept");
  auto& entry = *model.proto().add_metadata_props();
  entry.set_key("author");
  entry.set_value("a vet");
  return model;
}

TEST(Cleanup, TheChainOfAReplacedWeightGoesAndDeadCodeOfTheSourceStays) {
  const Rewritten rewritten = rewrite(chained(), {folded("w", "target")});
  const auto& graph = rewritten.emitted.skeleton->graph();
  EXPECT_EQ(initializers(graph), (std::vector<std::string>{"kept", "dead", "w_t_codes", "w_t_scale"}));
  EXPECT_EQ(graph.node_size(), 5);  // Cast, Mul, dead_swap, target, pass
  EXPECT_EQ(rewritten.emitted.log.steps,
            std::vector<std::string>{"removed 1 initializers and 2 nodes that nothing reads any more"});
  EXPECT_EQ(graph.value_info_size(), 0);
  ASSERT_EQ(graph.quantization_annotation_size(), 1);
  EXPECT_EQ(graph.quantization_annotation(0).tensor_name(), "kept");
}

TEST(Cleanup, MetadataOfTheSourceIsKept) {
  const Rewritten rewritten = rewrite(chained(), {folded("w", "target")});
  const auto& model = *rewritten.emitted.skeleton;
  ASSERT_EQ(model.metadata_props_size(), 2);
  EXPECT_EQ(model.metadata_props(0).key(), "author");
  EXPECT_EQ(model.metadata_props(1).key(), "vetquant.version");
  EXPECT_EQ(model.metadata_props(1).value(), "test");
  EXPECT_EQ(model.ir_version(), 8);
}

TEST(Cleanup, AWeightWithAnotherReaderStays) {
  TestModel model = chained();
  model.main().output("u", kFloat, {8, 16}).node("Neg", {"w_same"}, {"u"}, "reader");
  const Rewritten rewritten = rewrite(model, {folded("w", "target")});
  const auto names = initializers(rewritten.emitted.skeleton->graph());
  EXPECT_EQ(names.front(), "w");
  EXPECT_EQ(rewritten.emitted.log.steps,
            std::vector<std::string>{"removed 0 initializers and 1 nodes that nothing reads any more"});
}

TEST(Emit, IsTheSameForTheSameInput) {
  const Rewritten a = rewrite(chained(), {folded("w", "target")}), b = rewrite(chained(), {folded("w", "target")});
  EXPECT_EQ(a.emitted.skeleton->SerializeAsString(), b.emitted.skeleton->SerializeAsString());
}

TEST(Emit, NamesThatAreTakenAnywhereInTheModelAreAvoided) {
  TestModel model = chained();
  model.main().output("u", kFloat, {}).floats("w_t_codes", {}, random_floats(1, 5));
  model.main().input("cond", onnx::TensorProto::BOOL, {});
  auto& decide = model.main().node("If", {"cond"}, {"u"}, "decide");
  subgraph(decide, "then_branch")
      .output("t", kFloat, {})
      .floats("w_t_scale", {}, random_floats(1, 6))
      .node("Identity", {"w_t_scale"}, {"t"}, "a");
  subgraph(decide, "else_branch").output("e", kFloat, {}).node("Identity", {"w_t_codes"}, {"e"}, "b");
  const Rewritten rewritten = rewrite(model, {folded("w", "target")});
  EXPECT_EQ(rewritten.emitted.declared[0].name, "w_t_codes_1");
  EXPECT_EQ(rewritten.emitted.declared[1].name, "w_t_scale_1");
}

TEST(Emit, ContribDomainIsImportedByTheModelAndTheFunction) {
  Case c;
  c.input = {"x", make_floats({2, 32}, random_floats(64, 7))};
  c.weights = {{"w", {32, 8}, random_floats(256, 8)}};
  c.nodes = {{"MatMul", {"x", "w"}, {"y"}, "target", {}}};
  c.output_dims = {2, 8};
  WeightPlan plan = folded("w", "target");
  plan.form = Form::kMatMulNBits;
  plan.layout = {.channel_axes = {0}, .block_axis = 1, .block_size = 32};
  plan.swapped = plan.uses[0].transposed = true;
  const Rewritten rewritten = rewrite(build(c, Where::kFunction), {plan});
  const auto imports = [](const auto& owner) {
    int found = 0;
    for (const auto& import : owner.opset_import())
      found += import.domain() == "com.microsoft" && import.version() == 1 ? 1 : 0;
    return found;
  };
  EXPECT_EQ(imports(*rewritten.emitted.skeleton), 1);
  EXPECT_EQ(imports(rewritten.emitted.skeleton->functions(0)), 1);
}

TEST(Emit, BelowOpset7ArithmeticDoesNotBroadcast) {
  TestModel model(6, 3);
  model.main()
      .input("x", kFloat, {2, 16})
      .input("w", kFloat, {16, 8})
      .output("y", kFloat, {2, 8})
      .floats("w", {16, 8}, random_floats(128, 1));
  model.main().node("MatMul", {"x", "w"}, {"y"}, "target");
  try {
    rewrite(model, {folded("w", "target")});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_TRUE(
        std::string(error.what()).starts_with("/target: arithmetic that broadcasts needs opset 7, the model has 6; "))
        << error.what();
  }
}

TEST(GraphEditor, NodesStandAtTheStartBeforeAndAfterInTheOrderOfTheirMaking) {
  TestModel model;
  model.main().input("x", kFloat, {1}).output("y", kFloat, {1});
  model.main().node("Neg", {"x"}, {"a"}, "one");
  model.main().node("Neg", {"a"}, {"y"}, "two");
  const GraphIndex index(model.proto());
  GraphEditor editor(index);
  const NodeId two = index.find_node("/two");
  editor.add_node(editor.after(two), "Abs", {"y"}, {"p"});
  editor.add_node(editor.before(two), "Abs", {"a"}, {"q"});
  editor.add_node(editor.before(two), "Abs", {"q"}, {"r"});
  editor.add_node(editor.start_of(ScopeId{0}), "Abs", {"x"}, {"s"});
  editor.set_input(two, 0, "r");
  EmitLog log;
  const auto result = editor.finish(log);
  std::vector<std::string> outputs;
  for (const auto& node : result->graph().node()) outputs.push_back(node.output(0));
  EXPECT_EQ(outputs, (std::vector<std::string>{"s", "a", "q", "r", "y", "p"}));
}

}  // namespace
}  // namespace vetquant::test
