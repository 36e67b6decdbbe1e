// Units, conditions of a profile's rows, and partitions, on graphs small enough to follow by hand.
#include "vetquant/plan/target_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "partitions.h"
#include "plan_fixture.h"

namespace vetquant::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const std::string kFloats = "  - {ops: [Conv, MatMul, Relu, Add, Reshape], types: [fp32], source: table 1}\n";
const std::string kCodes =
    "  - {ops: [Conv, MatMul], codes: [uint8], weights: {types: [int8], granularity: [tensor], symmetric: always}, "
    "source: "
    "table 2}\n  - {ops: [Relu, Softmax], codes: [uint8], output_scale: {uint8: {scale: 0.00390625, zero_point: 0}}, "
    "source: "
    "table 3}\n  - {ops: [QuantizeLinear, DequantizeLinear], types: [fp32, uint8, int8], source: table 4}\n";

struct Checked {
  Checked(const TestModel& model, const TargetProfile& target)
      : planned(model),
        check(check_target(planned.model(), planned.index(), planned.constants(), target, support_of(target))) {}
  const PlacedUnit& unit(const std::string& address) const {
    for (const PlacedUnit& candidate : check.units) {
      if (planned.index().node(candidate.node).address == address) return candidate;
    }
    throw std::runtime_error("no unit " + address);
  }
  Place place(const std::string& address) const { return unit(address).place; }
  std::string why(const std::string& address) const { return unit(address).cause.text; }
  std::string change(const std::string& address) const { return unit(address).cause.advice; }
  Planned planned;
  TargetCheck check;
};

// x -> Relu -> name(op) -> Relu -> y
TestModel chain(const std::string& op) {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {1, 4}).output("y", kFloat, {1, 4});
  graph.node("Relu", {"x"}, {"a"}, "first");
  graph.node(op, {"a"}, {"b"}, "middle");
  graph.node("Relu", {"b"}, {"y"}, "last");
  return model;
}

struct Codes {
  int32_t type = onnx::TensorProto::UINT8;
  float scale = 0.5F;
  int zero = 0;
};

std::string pair(GraphHandle graph, const std::string& from, const std::string& name, const Codes& codes = {}) {
  graph.floats(name + "_scale", {}, std::vector<float>{codes.scale});
  graph.initializer(raw_tensor(name + "_zero", codes.type, {}, std::string(1, static_cast<char>(codes.zero))));
  graph.node("QuantizeLinear", {from, name + "_scale", name + "_zero"}, {name + "_q"}, name + "/quantize");
  graph.node("DequantizeLinear", {name + "_q", name + "_scale", name + "_zero"}, {name}, name + "/dequantize");
  return name;
}

// x -> pair -> MatMul with int8 weights -> pair -> y
TestModel product(const std::vector<float>& scales, char zero = 0, const Codes& codes = {}) {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {2, 4}).output("y", kFloat, {2, 2});
  pair(graph, "x", "in", codes);
  graph.initializer(raw_tensor("w", onnx::TensorProto::INT8, {4, 2}, std::string(8, '\x03')));
  graph.floats("w_scale", scales.size() == 1 ? Dims{} : Dims{static_cast<int64_t>(scales.size())}, scales);
  graph.initializer(raw_tensor("w_zero", onnx::TensorProto::INT8,
                               scales.size() == 1 ? Dims{} : Dims{static_cast<int64_t>(scales.size())},
                               std::string(scales.size(), zero)));
  set_int(graph.node("DequantizeLinear", {"w", "w_scale", "w_zero"}, {"weights"}, "weights/dequantize"), "axis", 1);
  graph.node("MatMul", {"in", "weights"}, {"p"}, "product");
  pair(graph, "p", "y", codes);
  return model;
}

TEST(TargetCheck, DequantizeOperatorQuantizeIsOneUnit) {
  const Checked checked(product({0.1F}), chip(kCodes));
  EXPECT_EQ(checked.place("/product"), Place::kAccelerator);
  EXPECT_TRUE(checked.unit("/product").on_codes);
  EXPECT_THAT(checked.unit("/product").nodes, SizeIs(4)) << "two DequantizeLinear, MatMul, QuantizeLinear";
  EXPECT_THAT(checked.check.units, SizeIs(3)) << "QuantizeLinear of x, the product, DequantizeLinear of y";
  EXPECT_THAT(checked.check.partitions, SizeIs(1));
}

TEST(TargetCheck, WeightsOfAnotherGranularityAreNotTaken) {
  const Checked checked(product({0.1F, 0.2F}), chip(kCodes));
  EXPECT_EQ(checked.place("/product"), Place::kCpu);
  EXPECT_EQ(checked.why("/product"), "its weights have a scale per channel");
  EXPECT_EQ(checked.change("/product"), "`granularity: tensor`");
  EXPECT_EQ(checked.unit("/product").cause.position.text(), "chip.yaml:13:5");
  EXPECT_EQ(checked.unit("/product").cause.source, "table 2");
}

TEST(TargetCheck, ZeroPointsOfWeightsAreLookedAt) {
  const Checked checked(product({0.1F}, 5), chip(kCodes));
  EXPECT_EQ(checked.why("/product"), "its weights have zero points; symmetric ones are taken");
  EXPECT_EQ(checked.change("/product"), "`symmetric: true`");
}

TEST(TargetCheck, CodesOfAnotherTypeNameTheOneThatIsTaken) {
  const Checked checked(product({0.1F}, 0, {.type = onnx::TensorProto::INT8}), chip(kCodes));
  EXPECT_EQ(checked.why("/product"), "its activations are int8; taken are uint8");
  EXPECT_EQ(checked.change("/product"), "`activation_type: uint8`");
}

TEST(TargetCheck, AFloatOperatorThatIsTakenBetweenCodesOnly) {
  const Checked checked(chain("Softmax"), chip(kFloats + kCodes));
  EXPECT_EQ(checked.place("/first"), Place::kAccelerator);
  EXPECT_EQ(checked.why("/middle"), "it is taken between codes only (uint8)");
  EXPECT_THAT(checked.change("/middle"), HasSubstr("int8-static"));
}

TEST(TargetCheck, FixedOutputScales) {
  for (const auto& [scale, place] : {std::pair(1.0F / 256, Place::kAccelerator), std::pair(0.01F, Place::kCpu)}) {
    TestModel model;
    GraphHandle graph = model.main();
    graph.input("x", kFloat, {1, 4}).output("y", kFloat, {1, 4});
    pair(graph, "x", "in");
    graph.node("Softmax", {"in"}, {"s"}, "softmax");
    pair(graph, "s", "y", {.scale = scale});
    const Checked checked(model, chip(kCodes));
    EXPECT_EQ(checked.place("/softmax"), place) << scale;
  }
}

TEST(TargetCheck, TheNearestRowTellsWhy) {
  const std::string rows =
      "  - {ops: [Relu], types: [fp16], source: table 1}\n  - {ops: [Relu], types: [fp32], max_rank: 1, source: table "
      "2}\n";
  const Checked checked(chain("Relu"), chip(rows));
  EXPECT_EQ(checked.why("/first"), "its data has 2 axes; taken are 0 to 1");
  EXPECT_EQ(checked.unit("/first").cause.source, "table 2");
}

TEST(TargetCheck, AttributesOpsetsAndConstants) {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {1, 4}).input("shape", kInt64, {2}).output("y", kFloat, {2, 2});
  set_float(graph.node("LeakyRelu", {"x"}, {"a"}, "leaky"), "alpha", 0.25);
  graph.node("Elu", {"a"}, {"b"}, "elu");
  graph.node("Reshape", {"b", "shape"}, {"y"}, "reshape");
  const Checked checked(model, chip("  - {ops: [LeakyRelu], types: [fp32], attributes: {alpha: [0.5]}, source: s}\n"
                                    "  - {ops: [Elu], types: [fp32], min_opset: 18, source: s}\n"
                                    "  - {ops: [Reshape], types: [fp32], constant_inputs: [1], source: s}\n"));
  EXPECT_EQ(checked.why("/leaky"), "its alpha is 0.25; taken are 0.5");
  EXPECT_EQ(checked.why("/elu"), "it is taken from opset 18 on, the model has 17");
  EXPECT_EQ(checked.why("/reshape"), "its input 1 is computed; a constant is taken");
}

TEST(TargetCheck, OpenShapesNameTheOptionThatFixesThem) {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {-1, 4}).output("y", kFloat, {-1, 4});
  graph.node("Relu", {"x"}, {"y"}, "relu");
  const Checked open(model, chip(kFloats));
  EXPECT_EQ(open.place("/relu"), Place::kCpu);
  EXPECT_EQ(open.why("/relu"), "its shapes are not fixed");
  EXPECT_EQ(open.change("/relu"), "fix them: --shape x=?x4");
  EXPECT_EQ(Checked(model, chip(kFloats, "fixed_shapes: false")).place("/relu"), Place::kAccelerator);
}

TEST(TargetCheck, RanksAndDimensionsOfTheAccelerator) {
  EXPECT_EQ(Checked(chain("Relu"), chip(kFloats, "max_rank: 1")).why("/first"),
            "it touches a value of 2 axes; taken are up to 1");
  EXPECT_EQ(Checked(chain("Relu"), chip(kFloats, "max_dim: 3")).why("/first"),
            "it touches a dimension of 4; taken are up to 3");
}

TEST(TargetCheck, WithoutFallbackWhatIsNotTakenIsRefused) {
  const Checked with(chain("Sin"), chip(kFloats));
  EXPECT_TRUE(with.check.runs());
  EXPECT_EQ(with.place("/middle"), Place::kCpu);
  EXPECT_EQ(with.why("/middle"), "the profile does not list it");
  const Checked without(chain("Sin"), chip(kFloats, "cpu_fallback: false"));
  EXPECT_FALSE(without.check.runs());
  EXPECT_EQ(without.place("/middle"), Place::kRefused);
}

TEST(TargetCheck, OperatorsOfUnknownDomainsRunNowhere) {
  TestModel model = chain("Relu");
  model.import_domain("com.example", 1);
  model.proto().mutable_graph()->mutable_node(1)->set_domain("com.example");
  EXPECT_EQ(Checked(model, chip(kFloats)).place("/middle"), Place::kRefused);
  EXPECT_FALSE(Checked(model, load_target("ort-cpu")).check.runs());
}

TEST(TargetCheck, AnOpsetAboveTheTargetsIsRefused) {
  TestModel model = chain("Relu");
  model.proto().mutable_opset_import(0)->set_version(23);
  const Checked checked(model, chip(kFloats));
  EXPECT_THAT(checked.check.refusals,
              ElementsAre("the model has opset 23, the target takes up to 21; export it at a lower one"));
  EXPECT_FALSE(checked.check.runs());
}

TEST(TargetCheck, DynamicIntegersAreSentToStaticOnes) {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {1, 4}).output("y", onnx::TensorProto::UINT8, {1, 4});
  graph.node("DynamicQuantizeLinear", {"x"}, {"y", "s", "z"}, "dynamic");
  const Checked checked(model, chip(kFloats + kCodes));
  EXPECT_EQ(checked.change("/dynamic"), "the dynamic int8 form is for CPUs: use the preset int8-static");
}

TEST(TargetCheck, ConstantsShapesAndIdentityAreGoneAtLoad) {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {2, 4}).output("y", kFloat, {8});
  graph.int64s("eight", {1}, {8});
  graph.node("Identity", {"eight"}, {"kept"}, "constant");
  graph.node("Shape", {"x"}, {"shape"}, "shape");
  graph.node("ReduceProd", {"shape"}, {"count"}, "count");
  graph.node("Identity", {"x"}, {"same"}, "identity");
  graph.node("Reshape", {"same", "count"}, {"y"}, "reshape");
  const Checked checked(model, chip(kFloats));
  for (const char* gone : {"/constant", "/shape", "/count", "/identity"})
    EXPECT_EQ(checked.place(gone), Place::kFolded) << gone;
  EXPECT_EQ(checked.place("/reshape"), Place::kAccelerator);
}

TEST(TargetCheck, NodesInsideBodiesStayOnTheCpu) {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("c", onnx::TensorProto::BOOL, {}).input("x", kFloat, {1, 4}).output("y", kFloat, {1, 4});
  onnx::NodeProto& decide = graph.node("If", {"c"}, {"y"}, "decide");
  for (const char* branch : {"then_branch", "else_branch"}) {
    GraphHandle body = subgraph(decide, branch);
    body.node("Relu", {"x"}, {std::string(branch) + "_y"}, "relu");
    body.output(std::string(branch) + "_y", kFloat, {1, 4});
  }
  const Checked checked(model, chip(kFloats));
  EXPECT_EQ(checked.why("/decide/then_branch/relu"), "it is inside If, Loop or Scan");
  const Checked inside(model, chip(kFloats, "subgraphs: true"));
  EXPECT_EQ(inside.place("/decide/then_branch/relu"), Place::kAccelerator);
}

TEST(TargetCheck, ACutIsWhereSomethingUntakenReadsFromThePartition) {
  const Checked checked(chain("Sin"), chip(kFloats));
  ASSERT_THAT(checked.check.partitions, SizeIs(2));
  ASSERT_THAT(checked.check.partitions[0].ended_by, SizeIs(1));
  EXPECT_EQ(checked.check.partitions[0].ended_by[0], 1u);
  EXPECT_THAT(checked.check.partitions[1].ended_by, IsEmpty());
  EXPECT_EQ(checked.unit("/last").partition, 1);
}

TEST(TargetCheck, ACpuTargetPlacesAllOnTheCpu) {
  const Checked checked(chain("Sin"), load_target("ort-cpu"));
  EXPECT_EQ(checked.check.count(Place::kCpu), 3u);
  EXPECT_TRUE(checked.check.runs());
}

// Units 0 -> 1 -> 3 and 0 -> 2 -> 3; 1 is not taken: 0 and 2 go together, 3 waits.
TEST(Partitions, AWaveTakesAllThatItReaches) {
  plan::UnitGraph graph{.readers = {{1, 2}, {3}, {3}, {}}, .inputs = {0, 1, 1, 2}, .taken = {1, 0, 1, 1}};
  const std::vector<plan::UnitGroup> groups = plan::unit_groups(graph);
  ASSERT_THAT(groups, SizeIs(2));
  EXPECT_THAT(groups[0].units, ElementsAre(0, 2));
  EXPECT_THAT(groups[0].border, ElementsAre(1));
  EXPECT_THAT(groups[1].units, ElementsAre(3));
}

// An untaken unit that reads nothing of the group does not end it.
TEST(Partitions, UntakenRootsDoNotCut) {
  plan::UnitGraph graph{.readers = {{2}, {2}, {}}, .inputs = {0, 0, 2}, .taken = {1, 0, 1}};
  const std::vector<plan::UnitGroup> groups = plan::unit_groups(graph);
  ASSERT_THAT(groups, SizeIs(1));
  EXPECT_THAT(groups[0].units, ElementsAre(0, 2));
}

}  // namespace
}  // namespace vetquant::test
