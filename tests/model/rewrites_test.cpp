// BatchNormalization into the product before it, and the opset raised: values by hand, and what must not be touched.
#include "vetquant/model/rewrites.h"

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <cmath>

#include "load_fixture.h"

namespace vetquant::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// x [1, 1, 4, 4] -> Conv of two channels -> BatchNormalization (epsilon 0) -> y
TestModel conv_and_norm(int64_t opset = 17) {
  TestModel model(opset);
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {1, 1, 4, 4}).output("y", kFloat, {1, 2, 4, 4});
  graph.floats("w", {2, 1, 1, 1}, std::vector<float>{3, -5}).floats("b", {2}, std::vector<float>{1, 2});
  graph.floats("scale", {2}, std::vector<float>{2, 6}).floats("shift", {2}, std::vector<float>{10, 20});
  graph.floats("mean", {2}, std::vector<float>{0.5, 4}).floats("variance", {2}, std::vector<float>{4, 9});
  graph.node("Conv", {"x", "w", "b"}, {"c"}, "conv");
  set_float(graph.node("BatchNormalization", {"c", "scale", "shift", "mean", "variance"}, {"y"}, "norm"), "epsilon", 0);
  return model;
}

class Rewrites : public Loaded {
 protected:
  static std::vector<float> floats_of(const Model& model, const std::string& name) {
    const GraphIndex index(model.skeleton());
    const auto view = ConstantFinder(model, index).find(index.lookup(ScopeId{0}, name));
    std::vector<float> values(view->elements());
    read_floats(*view, Box::whole(*view), values);
    return values;
  }
};

TEST_F(Rewrites, TheNormalisationBecomesPartOfTheConvolution) {
  const Rewritten result = fold_batch_normalizations(load(conv_and_norm()), OverridableValues::kConstant);
  EXPECT_THAT(result.steps, ElementsAre("/norm (BatchNormalization) folded into /conv"));
  const onnx::GraphProto& graph = result.model->skeleton().graph();
  ASSERT_EQ(graph.node_size(), 1);
  EXPECT_EQ(graph.node(0).output(0), "y");
  // s = {2 / 2, 6 / 3}: W s, (b - mean) s + shift
  EXPECT_THAT(floats_of(*result.model, graph.node(0).input(1)), ElementsAre(3, -10));
  EXPECT_THAT(floats_of(*result.model, graph.node(0).input(2)), ElementsAre(10.5, 16));
  EXPECT_EQ(graph.initializer_size(), 2) << "nothing of the old constants is left";
}

TEST_F(Rewrites, ScalingIsByColumnInAGemm) {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {1, 2}).output("y", kFloat, {1, 2});
  graph.floats("w", {2, 2}, std::vector<float>{1, 2, 3, 4});
  graph.floats("scale", {2}, std::vector<float>{2, 3}).floats("shift", {2}, std::vector<float>{1, 1});
  graph.floats("mean", {2}, std::vector<float>{1, 1}).floats("variance", {2}, std::vector<float>{1, 1});
  graph.node("Gemm", {"x", "w"}, {"c"}, "fc");
  set_float(graph.node("BatchNormalization", {"c", "scale", "shift", "mean", "variance"}, {"y"}, "norm"), "epsilon", 0);
  const Rewritten result = fold_batch_normalizations(load(model), OverridableValues::kConstant);
  const onnx::NodeProto& node = result.model->skeleton().graph().node(0);
  EXPECT_THAT(floats_of(*result.model, node.input(1)), ElementsAre(2, 6, 6, 12));
  EXPECT_THAT(floats_of(*result.model, node.input(2)), ElementsAre(-1, -2));
}

TEST_F(Rewrites, AProductWithOtherReadersIsLeftAlone) {
  TestModel model = conv_and_norm();
  model.main().output("z", kFloat, {1, 2, 4, 4}).node("Relu", {"c"}, {"z"});
  const auto source = load(model);
  const Rewritten result = fold_batch_normalizations(source, OverridableValues::kConstant);
  EXPECT_TRUE(result.steps.empty());
  EXPECT_EQ(result.model, source);
}

TEST_F(Rewrites, ASharedWeightKeepsItsValuesForOthers) {
  TestModel model = conv_and_norm();
  model.main().output("z", kFloat, {1, 2, 4, 4}).node("Conv", {"x", "w"}, {"z"}, "other");
  const Rewritten result = fold_batch_normalizations(load(model), OverridableValues::kConstant);
  EXPECT_EQ(result.steps.size(), 1u);
  EXPECT_THAT(floats_of(*result.model, "w"), ElementsAre(3, -5));
}

TEST_F(Rewrites, LargePayloadsAreScaledWhenTheyAreRead) {
  TestModel model = conv_and_norm();
  const std::vector<float> values = random_floats(2 * 300, 1);
  onnx::GraphProto& graph = model.proto().mutable_graph()[0];
  *graph.mutable_initializer(0) = float_tensor("w", {2, 300, 1, 1}, values);
  const Rewritten result = fold_batch_normalizations(load(model), OverridableValues::kConstant);
  const std::vector<float> folded = floats_of(*result.model, result.model->skeleton().graph().node(0).input(1));
  for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(folded[i], values[i] * (i < 300 ? 1 : 2)) << i;
}

TEST_F(Rewrites, TheOpsetIsRaisedWithTheWeightsInPlace) {
  TestModel model(9);
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {1, 64}).output("y", kFloat, {1, 32});
  graph.floats("w", {64, 64}, random_floats(64 * 64, 1)).node("MatMul", {"x", "w"}, {"m"});
  onnx::NodeProto& slice = graph.node("Slice", {"m"}, {"y"});  // attributes become inputs at opset 10
  set_ints(slice, "axes", {1});
  set_ints(slice, "starts", {0});
  set_ints(slice, "ends", {32});
  const Rewritten result = raise_opset(load(model), 13);
  EXPECT_THAT(result.steps, ElementsAre("opset 9 -> 13, by ONNX's converter"));
  EXPECT_EQ(GraphIndex(result.model->skeleton()).opset(ScopeId{0}, ""), 13);
  EXPECT_EQ(floats_of(*result.model, "w"), random_floats(64 * 64, 1));
  EXPECT_TRUE(raise_opset(load(model), 9).steps.empty());
}

TEST_F(Rewrites, FunctionsWouldBeLostSoTheOpsetStays) {
  TestModel model(9);
  add_node(model.function("local", "F", {"a"}, {"b"}), "Relu", {"a"}, {"b"});
  const auto loaded = load(model);
  const Error error = error_of([&] { raise_opset(loaded, 13); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.message(), HasSubstr("would drop the model's local functions"));
}

}  // namespace
}  // namespace vetquant::test
