#include "load_fixture.h"

namespace vetquant {
namespace {

using test::error_of;
using test::kFloat;
using test::random_floats;
using test::TestModel;
using testing::ElementsAre;
using testing::HasSubstr;

using InferTypes = test::Loaded;

// [N, 20] x w[20, 30] -> a, then Reshape(a, {0, -1, 10}) -> y
TestModel matmul_model() {
  TestModel made;
  auto graph = made.main();
  graph.input("x", kFloat, {-1, 20}).output("y");
  graph.proto().mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(0)->set_dim_param(
      "N");
  graph.floats("w", {20, 30}, random_floats(600, 1)).int64s("shape", {3}, {0, -1, 10});
  graph.node("MatMul", {"x", "w"}, {"a"}, "fc");
  graph.node("Reshape", {"a", "shape"}, {"y"});
  return made;
}

TEST_F(InferTypes, WorksWithoutWeightsAndKeepsSymbols) {
  const auto model = load(matmul_model());
  const GraphIndex index(model->skeleton());
  const auto types = infer_types(index);
  ASSERT_EQ(types.size(), index.values().size());
  const auto& a = types[static_cast<size_t>(index.find_value("a").value)];
  EXPECT_EQ(a.dtype, DType::kFloat32);
  EXPECT_THAT(a.shape, ElementsAre(-1, 30));
  EXPECT_THAT(a.symbols, ElementsAre("N", ""));
  EXPECT_THAT(types[static_cast<size_t>(index.find_value("y").value)].shape, ElementsAre(-1, 3, 10));
  EXPECT_THAT(types[static_cast<size_t>(index.find_value("w").value)].shape, ElementsAre(20, 30));
}

TEST_F(InferTypes, BoundShapesBecomeNumbers) {
  const auto model = load(matmul_model());
  const GraphIndex index(model->skeleton());
  const auto types = infer_types(index, {{"x", {4, 20}}});
  const auto& y = types[static_cast<size_t>(index.find_value("y").value)];
  EXPECT_THAT(y.shape, ElementsAre(4, 3, 10));
  EXPECT_THAT(y.symbols, ElementsAre("", "", ""));
}

TEST_F(InferTypes, WrongBindingsAreErrorsOfTheUser) {
  const auto model = load(matmul_model());
  const GraphIndex index(model->skeleton());
  const Error unknown = error_of([&] { infer_types(index, {{"z", {4}}}); });
  EXPECT_EQ(unknown.code(), ErrorCode::kUsage);
  EXPECT_THAT(unknown.message(), HasSubstr("the model has no input 'z'; its inputs are 'x'"));
  const Error rank = error_of([&] { infer_types(index, {{"x", {4}}}); });
  EXPECT_EQ(rank.code(), ErrorCode::kUsage);
  EXPECT_THAT(rank.message(), HasSubstr("has 1 dimensions, but the model says 2"));
  EXPECT_THAT(error_of([&] {
                infer_types(index, {{"x", {4, 21}}});
              }).message(),
              HasSubstr("the shape for input 'x' says 21 where the model says 20"));
  EXPECT_THAT(error_of([&] { infer_types(index, {{"x", {-4, 20}}}); }).message(), HasSubstr("must be positive"));
}

TEST_F(InferTypes, SubgraphsAreInferredToo) {
  TestModel made = matmul_model();
  made.main().input("c", onnx::TensorProto::BOOL, {});
  auto& decide = made.main().node("If", {"c"}, {"z"}, "decide");
  for (const char* name : {"then_branch", "else_branch"}) {
    auto branch = test::subgraph(decide, name);
    branch.node("MatMul", {"x", "w"}, {"inner"});
    branch.node("Relu", {"inner"}, {std::string("out_") + name});
    branch.output(std::string("out_") + name, kFloat, {-1, 30});
  }
  const auto model = load(made);
  const GraphIndex index(model->skeleton());
  const auto types = infer_types(index, {{"x", {4, 20}}});
  EXPECT_THAT(types[static_cast<size_t>(index.find_value("/decide/then_branch/inner").value)].shape,
              ElementsAre(4, 30));
}

TEST_F(InferTypes, WhatOnnxDoesNotKnowStaysUnknown) {
  TestModel made = matmul_model();
  made.import_domain("my.domain", 1);
  made.main().node("Odd", {"x"}, {"odd"}, "", "my.domain");
  made.main().node("Relu", {"odd"}, {"after"});
  const auto model = load(made);
  const GraphIndex index(model->skeleton());
  const auto types = infer_types(index);
  EXPECT_EQ(types[static_cast<size_t>(index.find_value("odd").value)].dtype, DType::kUndefined);
  EXPECT_FALSE(types[static_cast<size_t>(index.find_value("after").value)].has_shape);
  EXPECT_THAT(types[static_cast<size_t>(index.find_value("a").value)].shape, ElementsAre(-1, 30));
}

TEST_F(InferTypes, ASparseInitializerDoesNotSpoilTheRest) {
  TestModel made = matmul_model();
  auto& sparse = *made.proto().mutable_graph()->add_sparse_initializer();
  *sparse.mutable_values() = test::float_tensor("s", {1}, std::vector<float>{1});
  *sparse.mutable_indices() = test::int64_tensor("s_indices", {1}, std::vector<int64_t>{3});
  sparse.add_dims(20);
  sparse.add_dims(30);
  made.main().input("s", kFloat, {20, 30});  // listed as a dense input: here ONNX gives up as a whole
  made.main().node("MatMul", {"x", "s"}, {"b"});
  const auto model = load(made);
  const GraphIndex index(model->skeleton());
  EXPECT_THAT(infer_types(index)[static_cast<size_t>(index.find_value("a").value)].shape, ElementsAre(-1, 30));
}

// Each function calls the one before it twice: expanded, 2^60 nodes.
TEST_F(InferTypes, FunctionsThatExplodeAreLeftOut) {
  TestModel made = matmul_model();
  made.import_domain("d", 1);
  test::add_node(made.function("d", "F0", {"p"}, {"q"}), "Relu", {"p"}, {"q"});
  for (int i = 1; i <= 60; ++i) {
    auto& function = made.function("d", "F" + std::to_string(i), {"p"}, {"q"});
    auto* import = function.add_opset_import();
    import->set_domain("d");
    import->set_version(1);
    const std::string callee = "F" + std::to_string(i - 1);
    test::add_node(function, callee, {"p"}, {"m"}, "", "d");
    test::add_node(function, callee, {"m"}, {"q"}, "", "d");
  }
  made.main().node("F60", {"x"}, {"out"}, "", "d");
  const auto model = load(made);
  const GraphIndex index(model->skeleton());
  const auto types = infer_types(index);
  EXPECT_FALSE(types[static_cast<size_t>(index.find_value("out").value)].has_shape);
  EXPECT_THAT(types[static_cast<size_t>(index.find_value("a").value)].shape, ElementsAre(-1, 30));
}

// Data propagation would copy 2^40 integers.
TEST_F(InferTypes, ListsThatExplodeAreNotPropagated) {
  TestModel made = matmul_model();
  made.main().int64s("x0", {1}, {1});
  for (int i = 0; i < 40; ++i) {
    const std::string from = "x" + std::to_string(i), to = "x" + std::to_string(i + 1);
    test::set_int(made.main().node("Concat", {from, from}, {to}), "axis", 0);
  }
  const auto model = load(made);
  const GraphIndex index(model->skeleton());
  const auto types = infer_types(index);
  EXPECT_THAT(types[static_cast<size_t>(index.find_value("x40").value)].shape, ElementsAre(1ll << 40));
}

// ONNX would make a dimension for each element of a long vector.
TEST_F(InferTypes, LongVectorsCostNothing) {
  TestModel made;
  made.main().input("x", kFloat, {1ll << 40});
  made.main().node("Add", {"x", "x"}, {"y"});
  const auto model = load(made);
  const GraphIndex index(model->skeleton());
  EXPECT_THAT(infer_types(index)[static_cast<size_t>(index.find_value("y").value)].shape, ElementsAre(1ll << 40));
}

TEST_F(InferTypes, DeepNestingStaysQuick) {
  TestModel made;
  made.main().input("c", onnx::TensorProto::BOOL, {}).input("x", kFloat, {4});
  test::GraphHandle graph = made.main();
  for (int i = 0; i < 30; ++i) {
    const std::string out = "y" + std::to_string(i);
    auto& decide = graph.node("If", {"c"}, {out}, "if");
    if (i > 0) graph.output(out);
    auto other = test::subgraph(decide, "else_branch");
    other.node("Relu", {"x"}, {"r"});
    other.output("r");
    graph = test::subgraph(decide, "then_branch");
  }
  graph.node("Relu", {"x"}, {"r"});
  graph.output("r");
  const auto model = load(made);
  const GraphIndex index(model->skeleton());
  EXPECT_THAT(infer_types(index)[static_cast<size_t>(index.find_value("y0").value)].shape, ElementsAre(4));
}

TEST_F(InferTypes, ContradictingDeclarationsDoNotThrow) {
  TestModel made = matmul_model();
  auto* info = made.proto().mutable_graph()->add_value_info();
  info->set_name("a");
  info->mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::INT64);
  info->mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(7);
  const auto model = load(made);
  const GraphIndex index(model->skeleton());
  EXPECT_NO_THROW(infer_types(index));
}

}  // namespace
}  // namespace vetquant
