// `--shape`: names resolved, dimensions of one name bound together, and what computes shapes folded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include "load_fixture.h"
#include "support/error_of.h"
#include "vetquant/model/rewrites.h"

namespace vetquant::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

void name_dim(onnx::ValueInfoProto& info, int axis, const std::string& name) {
  info.mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(axis)->set_dim_param(name);
}

// x [batch, length, 6], gain [batch, 1, 1] -> Reshape to [batch, length, 2, 3], whose target is computed from the shape
TestModel heads(int64_t ir_version = 8) {
  TestModel made(17, ir_version);
  GraphHandle graph = made.main();
  graph.input("x", kFloat, {-1, -1, 6}).input("gain", kFloat, {-1, 1, 1}).output("y", kFloat, {-1, -1, 2, 3});
  name_dim(*graph.proto().mutable_input(0), 0, "batch");
  name_dim(*graph.proto().mutable_input(0), 1, "length");
  name_dim(*graph.proto().mutable_input(1), 0, "batch");
  graph.int64s("zero", {}, {0}).int64s("one", {}, {1}).int64s("axis", {1}, {0}).int64s("rest", {2}, {2, 3});
  graph.node("Mul", {"x", "gain"}, {"scaled"}, "gain");
  graph.node("Shape", {"scaled"}, {"shape"});
  graph.node("Gather", {"shape", "zero"}, {"batch"});
  graph.node("Gather", {"shape", "one"}, {"length"});
  graph.node("Unsqueeze", {"batch", "axis"}, {"batch_1"});
  graph.node("Unsqueeze", {"length", "axis"}, {"length_1"});
  set_int(graph.node("Concat", {"batch_1", "length_1", "rest"}, {"target"}), "axis", 0);
  graph.node("Reshape", {"scaled", "target"}, {"y"}, "reshape");
  return made;
}

class FixShapes : public Loaded {
 protected:
  Shape type_of(const Model& model, const std::string& value) const {
    const GraphIndex index(model.skeleton());
    return infer_types(index)[static_cast<size_t>(index.find_value(value).value)].shape;
  }
  std::string complaint(const std::vector<ShapeBinding>& bindings) {
    const Error error = error_of([&] { fix_shapes(load(heads()), bindings); });
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    return error.what();
  }
};

TEST_F(FixShapes, ANamedDimensionIsBoundWhereverItStands) {
  const Rewritten fixed = fix_shapes(load(heads()), {{"batch", {2}}, {"length", {5}}});
  EXPECT_EQ(type_of(*fixed.model, "x"), (Shape{2, 5, 6}));
  EXPECT_EQ(type_of(*fixed.model, "gain"), (Shape{2, 1, 1}));
  EXPECT_EQ(type_of(*fixed.model, "scaled"), (Shape{2, 5, 6}));
  EXPECT_EQ(type_of(*fixed.model, "y"), (Shape{2, 5, 2, 3}));
  const auto& output = fixed.model->skeleton().graph().output(0).type().tensor_type().shape();
  EXPECT_EQ(output.dim(1).dim_value(), 5) << "written, not only inferred";
}

TEST_F(FixShapes, AnInputsShapeBindsTheNamesItUses) {
  const Rewritten fixed = fix_shapes(load(heads()), {{"x", {2, 5, 6}}});
  EXPECT_EQ(type_of(*fixed.model, "gain"), (Shape{2, 1, 1}));
}

TEST_F(FixShapes, WhatComputesShapesBecomesOneConstant) {
  const Rewritten fixed = fix_shapes(load(heads()), {{"x", {2, 5, 6}}});
  const onnx::GraphProto& graph = fixed.model->skeleton().graph();
  ASSERT_EQ(graph.node_size(), 2) << "Mul and Reshape";
  EXPECT_EQ(graph.node(1).op_type(), "Reshape");
  const GraphIndex index(fixed.model->skeleton());
  const auto target = ConstantFinder(*fixed.model, index).find(index.find_value(graph.node(1).input(1)));
  ASSERT_TRUE(target.has_value());
  std::vector<int64_t> numbers(4);
  read_int64s(*target, Box::whole(*target), numbers);
  EXPECT_THAT(numbers, ElementsAre(2, 5, 2, 3));
  EXPECT_EQ(graph.initializer_size(), 1) << "axes and indices went with their readers";
  EXPECT_THAT(fixed.steps,
              ElementsAre("fixed shapes: x=2x5x6 gain=2x1x1; 6 nodes that compute shapes became constants"));
}

TEST_F(FixShapes, WhatIsNotBoundStaysOpen) {
  const Rewritten fixed = fix_shapes(load(heads()), {{"batch", {1}}});
  EXPECT_EQ(type_of(*fixed.model, "x"), (Shape{1, -1, 6}));
  EXPECT_THAT(fixed.steps[0], HasSubstr("x=1x?x6"));
}

TEST_F(FixShapes, NothingAskedNothingDone) {
  const auto model = load(heads());
  const Rewritten fixed = fix_shapes(model, {});
  EXPECT_EQ(fixed.model, model);
  EXPECT_TRUE(fixed.steps.empty());
}

TEST_F(FixShapes, UpToIrVersionThreeNothingBecomesAnInitializer) {
  const Rewritten fixed = fix_shapes(load(heads(3)), {{"x", {2, 5, 6}}});
  EXPECT_EQ(fixed.model->skeleton().graph().node_size(), 8);
}

TEST_F(FixShapes, ErrorsSayWhatIsThereAndWhatContradicts) {
  EXPECT_EQ(complaint({{"sound", {1}}}),
            "the model has no input 'sound'; its inputs are 'x', 'gain', its open dimensions 'batch', 'length'");
  EXPECT_EQ(complaint({{"batch", {1, 2}}}), "'batch' is a dimension: give one number, not 2");
  EXPECT_EQ(complaint({{"x", {1, 2}}}), "the shape for input 'x' has 2 dimensions, but the model says 3");
  EXPECT_EQ(complaint({{"x", {1, 2, 7}}}), "the shape for input 'x' says 7 where the model says 6");
  EXPECT_EQ(complaint({{"x", {1, 2, 6}}, {"batch", {3}}}),
            "the dimension 'batch' is 1 by the shape for 'x' and 3 by that for 'batch'");
  EXPECT_EQ(complaint({{"x", {1, 2, 6}}, {"gain", {3, 1, 1}}}),
            "the dimension 'batch' is 1 by the shape for 'x' and 3 by that for 'gain'");
}

}  // namespace
}  // namespace vetquant::test
