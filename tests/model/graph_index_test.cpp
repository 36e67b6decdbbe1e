#include "vetquant/model/graph_index.h"

#include "load_fixture.h"

namespace vetquant {
namespace {

using test::add_node;
using test::error_of;
using test::kFloat;
using test::subgraph;
using test::TestModel;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> addresses(const GraphIndex& index) {
  std::vector<std::string> all;
  for (const auto& node : index.nodes()) all.push_back(node.address);
  return all;
}

Error refusal(const TestModel& model) {
  return error_of([&] { GraphIndex index(model.proto()); });
}

// main: a = Relu(x); decide: If(cond) { then: b = Add(a, w) } else { inner: If(cond) { then: shadow = Relu(x) } }
TestModel nested_model() {
  TestModel made;
  auto graph = made.main();
  graph.input("x", kFloat, {4}).input("cond", onnx::TensorProto::BOOL, {}).floats("w", {4}, std::vector<float>(4));
  graph.node("Relu", {"x"}, {"a"}, "/pre/relu");
  auto& decide = graph.node("If", {"cond"}, {"y"}, "decide");
  auto then_branch = subgraph(decide, "then_branch");
  then_branch.node("Add", {"a", "w"}, {"b"}, "layers.0/fc1");
  then_branch.output("b");
  auto else_branch = subgraph(decide, "else_branch");
  auto& inner = else_branch.node("If", {"cond"}, {"c"});
  auto deep = subgraph(inner, "then_branch");
  deep.node("Relu", {"x"}, {"a"}, "shadowing");
  deep.node("Relu", {"a"}, {"d"});
  deep.output("d");
  subgraph(inner, "else_branch").node("Identity", {"w"}, {"e"});
  subgraph(inner, "else_branch").output("e");
  else_branch.output("c");
  graph.output("y", kFloat, {4});
  return made;
}

TEST(GraphIndex, AddressesNameEveryNodeByItsPath) {
  const TestModel made = nested_model();
  const GraphIndex index(made.proto());
  EXPECT_THAT(
      addresses(index),
      ElementsAre("/pre/relu", "/decide", "/decide/then_branch/layers.0/fc1", "/decide/else_branch/If>c",
                  "/decide/else_branch/If>c/then_branch/shadowing", "/decide/else_branch/If>c/then_branch/Relu>d",
                  "/decide/else_branch/If>c/else_branch/Identity>e"));
  for (const auto& address : addresses(index)) {
    EXPECT_EQ(index.node(index.find_node(address)).address, address);
  }
  EXPECT_FALSE(index.find_node("/decide/fc1").valid());
}

TEST(GraphIndex, ValuesAreFoundByTheirAddress) {
  const TestModel made = nested_model();
  const GraphIndex index(made.proto());
  for (size_t v = 0; v < index.values().size(); ++v) {
    const ValueId id{static_cast<int32_t>(v)};
    EXPECT_EQ(index.find_value(index.address(id)), id) << index.address(id);
  }
  EXPECT_EQ(index.address(index.find_value("w")), "w");
  EXPECT_TRUE(index.find_value("/decide/else_branch/If>c/then_branch/a").valid());
  EXPECT_FALSE(index.find_value("/decide/nothing").valid());
}

TEST(GraphIndex, UsesInInnerScopesCountForTheOuterValue) {
  const TestModel made = nested_model();
  const GraphIndex index(made.proto());
  const auto& w = index.value(index.find_value("w"));
  ASSERT_EQ(w.uses.size(), 2u);
  EXPECT_EQ(index.node(w.uses[0].node).address, "/decide/then_branch/layers.0/fc1");
  EXPECT_EQ(w.uses[0].input, 1);
  EXPECT_EQ(index.node(w.uses[1].node).address, "/decide/else_branch/If>c/else_branch/Identity>e");
  EXPECT_EQ(w.kind, ValueKind::kInitializer);
}

TEST(GraphIndex, InnerDefinitionsShadowOuterOnes) {
  const TestModel made = nested_model();
  const GraphIndex index(made.proto());
  const auto& reader = index.node(index.find_node("/decide/else_branch/If>c/then_branch/Relu>d"));
  const ValueId inner = reader.inputs[0];
  EXPECT_EQ(index.address(inner), "/decide/else_branch/If>c/then_branch/a");
  EXPECT_EQ(index.value(index.find_value("a")).uses.size(), 1u)
      << "only the Add of the then branch reads the outer one";
  EXPECT_EQ(index.lookup(reader.scope, "a"), inner);
  EXPECT_EQ(index.lookup(ScopeId{0}, "a"), index.find_value("a"));
  EXPECT_FALSE(index.lookup(ScopeId{0}, "d").valid()) << "inner names are not seen from outside";
}

TEST(GraphIndex, OmittedInputsAndOutputsAreInvalid) {
  TestModel made;
  made.main().input("x", kFloat, {4});
  made.main().node("Clip", {"x", "", "x"}, {"y"});
  made.main().node("LSTM", {"y"}, {"", "h"});
  const GraphIndex index(made.proto());
  EXPECT_FALSE(index.nodes()[0].inputs[1].valid());
  EXPECT_EQ(index.nodes()[0].inputs[2], index.find_value("x"));
  EXPECT_FALSE(index.nodes()[1].outputs[0].valid());
  EXPECT_EQ(index.value(index.nodes()[1].outputs[1]).producer_output, 1);
}

TEST(GraphIndex, NodesWithOneNameAreToldApart) {
  TestModel made;
  made.main().input("x", kFloat, {4});
  made.main().node("Relu", {"x"}, {"a"}, "same");
  made.main().node("Relu", {"x"}, {"b"}, "same");
  made.main().node("Relu", {"x"}, {"c"});
  const GraphIndex index(made.proto());
  EXPECT_THAT(addresses(index), ElementsAre("/same>a", "/same>b", "/Relu>c"));
}

TEST(GraphIndex, OverridableInitializersNeedIrVersionFour) {
  for (const int64_t ir : {3, 4}) {
    TestModel made(9, ir);
    made.main().input("x", kFloat, {4}).input("w", kFloat, {4}).floats("w", {4}, std::vector<float>(4));
    made.main().floats("v", {4}, std::vector<float>(4));
    const GraphIndex index(made.proto());
    EXPECT_TRUE(index.value(index.find_value("w")).also_input);
    EXPECT_EQ(index.value(index.find_value("w")).kind, ValueKind::kInitializer);
    EXPECT_EQ(index.overridable(index.find_value("w")), ir == 4);
    EXPECT_FALSE(index.overridable(index.find_value("v")));
    EXPECT_EQ(index.scope(ScopeId{0}).inputs.size(), 2u);
  }
}

TEST(GraphIndex, SparseInitializersAreValues) {
  TestModel made;
  *made.proto().mutable_graph()->add_sparse_initializer()->mutable_values() =
      test::float_tensor("s", {1}, std::vector<float>{1});
  made.main().node("Relu", {"s"}, {"y"});
  const GraphIndex index(made.proto());
  EXPECT_EQ(index.value(index.find_value("s")).kind, ValueKind::kSparseInitializer);
  EXPECT_EQ(index.value(index.find_value("s")).initializer, nullptr);
}

TEST(GraphIndex, InitializersMayBeOutputs) {
  TestModel made;
  made.main().floats("w", {1}, std::vector<float>{1}).output("w", kFloat, {1});
  const GraphIndex index(made.proto());
  EXPECT_TRUE(index.value(index.find_value("w")).is_scope_output);
}

TEST(GraphIndex, FunctionsAreRootsOfTheirOwn) {
  TestModel made;
  made.import_domain("local", 1).main().input("x", kFloat, {4});
  made.main().node("F", {"x"}, {"y"}, "call", "local");
  auto& function = made.function("local", "F", {"p"}, {"q"});
  function.mutable_opset_import(0)->set_version(13);
  add_node(function, "Relu", {"p"}, {"q"}, "act");
  made.proto().mutable_functions()->Add()->CopyFrom(function);
  made.proto().mutable_functions(1)->set_overload("other");
  const GraphIndex index(made.proto());
  EXPECT_THAT(addresses(index), ElementsAre("/call", "local::F/act", "local::F:other/act"));
  EXPECT_EQ(index.scope(ScopeId{1}).kind, ScopeKind::kFunction);
  EXPECT_EQ(index.opset(ScopeId{1}, ""), 13);
  EXPECT_EQ(index.opset(ScopeId{0}, "ai.onnx"), 17);
  EXPECT_EQ(index.opset(ScopeId{0}, "local"), 1);
  EXPECT_EQ(index.opset(ScopeId{0}, "unknown"), 0);
  EXPECT_TRUE(index.find_value("local::F/q").valid());
}

TEST(GraphIndex, FunctionsSeeNoOuterNames) {
  TestModel made;
  made.main().input("x", kFloat, {4});
  add_node(made.function("local", "F", {}, {"q"}), "Relu", {"x"}, {"q"}, "act");
  const Error error = refusal(made);
  EXPECT_EQ(error.code(), ErrorCode::kBadModel);
  EXPECT_EQ(error.where(), "local::F/act");
  EXPECT_EQ(error.message(), "reads 'x', which nothing defines");
}

TEST(GraphIndex, WhatIsDefinedTwiceIsRefused) {
  TestModel outputs;
  outputs.main().input("x", kFloat, {4});
  outputs.main().node("Relu", {"x"}, {"y"}, "one");
  outputs.main().node("Relu", {"x"}, {"y"}, "two");
  EXPECT_EQ(refusal(outputs).where(), "/two");
  EXPECT_THAT(refusal(outputs).message(), HasSubstr("makes 'y', which main graph defines already"));
  TestModel inputs;
  inputs.main().input("x", kFloat, {4}).input("x", kFloat, {4});
  EXPECT_THAT(refusal(inputs).message(), HasSubstr("the value 'x' is defined twice"));
  TestModel initializers;
  initializers.main().floats("w", {1}, std::vector<float>{1}).floats("w", {1}, std::vector<float>{1});
  EXPECT_THAT(refusal(initializers).message(), HasSubstr("the initializer 'w' is defined twice"));
  TestModel functions;
  functions.function("d", "F", {}, {});
  functions.function("d", "F", {}, {});
  EXPECT_THAT(refusal(functions).message(), HasSubstr("the local function is defined twice"));
}

TEST(GraphIndex, CyclesAndWrongOrderNameBothNodes) {
  TestModel made;
  made.main().node("Relu", {"b"}, {"a"}, "first");
  made.main().node("Relu", {"a"}, {"b"}, "second");
  const Error error = refusal(made);
  EXPECT_EQ(error.where(), "/first");
  EXPECT_THAT(error.message(),
              HasSubstr("reads 'b' before /second makes it; the nodes form a cycle or are out of order"));
  TestModel own;
  own.main().node("Relu", {"a"}, {"a"}, "self");
  EXPECT_THAT(refusal(own).message(), HasSubstr("reads 'a' before /self makes it"));
}

TEST(GraphIndex, SubgraphsMayNotReadWhatComesAfterTheirNode) {
  TestModel made;
  made.main().input("x", kFloat, {4}).input("c", onnx::TensorProto::BOOL, {});
  auto& decide = made.main().node("If", {"c"}, {"y"}, "decide");
  subgraph(decide, "then_branch").node("Relu", {"later"}, {"r"}, "inner");
  made.main().node("Relu", {"x"}, {"later"}, "after");
  EXPECT_EQ(refusal(made).where(), "/decide/then_branch/inner");
  EXPECT_THAT(refusal(made).message(), HasSubstr("reads 'later' before /after makes it"));
  TestModel own;
  own.main().input("c", onnx::TensorProto::BOOL, {});
  subgraph(own.main().node("If", {"c"}, {"y"}, "decide"), "then_branch").node("Relu", {"y"}, {"r"}, "inner");
  EXPECT_THAT(refusal(own).message(), HasSubstr("reads 'y' before /decide makes it"));
}

TEST(GraphIndex, UndefinedNamesAreRefused) {
  TestModel node;
  node.main().node("Relu", {"nothing"}, {"y"}, "act");
  EXPECT_EQ(refusal(node).message(), "reads 'nothing', which nothing defines");
  TestModel output;
  output.main().output("y", kFloat, {1});
  EXPECT_EQ(refusal(output).message(), "its output 'y' is not defined");
  EXPECT_EQ(refusal(output).where(), "main graph");
}

TEST(GraphIndex, FunctionsThatCallThemselvesAreRefused) {
  TestModel made;
  add_node(made.function("d", "A", {"p"}, {"q"}), "B", {"p"}, {"q"}, "", "d");
  add_node(made.function("d", "B", {"p"}, {"q"}), "C", {"p"}, {"q"}, "", "d");
  auto& last = made.function("d", "C", {"p"}, {"q"});
  EXPECT_NO_THROW(GraphIndex(((void)add_node(last, "Relu", {"p"}, {"q"}), made.proto())));
  auto& decide = add_node(last, "If", {"p"}, {"z"}, "decide");
  subgraph(decide, "then_branch").node("A", {"p"}, {"t"}, "", "d");
  const Error error = refusal(made);
  EXPECT_EQ(error.where(), "d::A");
  EXPECT_THAT(error.message(), HasSubstr("calls itself"));
}

TEST(GraphIndex, TwentyThousandCallsDeepIsNoStackOverflow) {
  TestModel made;
  for (int i = 0; i < 20'000; ++i) {
    auto& function = made.function("d", "F" + std::to_string(i), {"p"}, {"q"});
    add_node(function, "F" + std::to_string(i + 1), {"p"}, {"q"}, "", "d");
  }
  EXPECT_NO_THROW(GraphIndex(made.proto()));
}

TEST(Attributes, AreReadByNameTypeAndOnlyAsLiterals) {
  onnx::NodeProto node;
  test::set_int(node, "axis", -1);
  test::set_float(node, "alpha", 0.5f);
  test::set_string(node, "mode", "linear");
  test::set_ints(node, "perm", {1, 0});
  EXPECT_EQ(int_attribute(node, "axis", 7), -1);
  EXPECT_EQ(int_attribute(node, "alpha", 7), 7) << "another type";
  EXPECT_EQ(float_attribute(node, "alpha", 1), 0.5f);
  EXPECT_EQ(string_attribute(node, "mode", "cubic"), "linear");
  EXPECT_THAT(ints_attribute(node, "perm"), ElementsAre(1, 0));
  node.mutable_attribute(0)->set_ref_attr_name("outer");
  EXPECT_EQ(int_attribute(node, "axis", 7), 7) << "known only where the function is called";
}

}  // namespace
}  // namespace vetquant
