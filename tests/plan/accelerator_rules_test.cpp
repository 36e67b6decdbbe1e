// What an accelerator's rows say to a node that is being planned: the obstacle that a plan tells, scales that results must have.
#include "accelerator_rules.h"

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <optional>
#include <stdexcept>

#include "plan_fixture.h"

namespace vetquant::plan {
namespace {

using test::kFloat;

const std::string kRows =
    "  - {ops: [MatMul], codes: [uint8, uint16], max_opset: 21, weights: {types: [int8], granularity: [tensor, "
    "channel], symmetric: "
    "channels}, source: table 1}\n"
    "  - {ops: [MatMul], codes: [int8], symmetric_codes: true, min_opset: 13, float_result: true, source: table 2}\n"
    "  - {ops: [Softmax], codes: [uint8], output_scale: {uint8: {scale: 0.00390625, zero_point: 0}}, source: table 3}\n"
    "  - {ops: [Relu], types: [fp32], source: table 4}\n";

class AcceleratorRules : public testing::Test {
 protected:
  AcceleratorRules() {
    test::GraphHandle graph = model_.main();
    graph.input("x", kFloat, {1, 4}).output("y", kFloat, {1, 4});
    graph.floats("w", {4, 4}, std::vector<float>(16, 0.5F));
    graph.node("MatMul", {"x", "w"}, {"a"}, "product");
    graph.node("Softmax", {"a"}, {"b"}, "share");
    graph.node("Relu", {"b"}, {"c"}, "rectify");
    graph.node("Tanh", {"c"}, {"y"}, "bend");
    planned_.emplace(model_);
  }

  const NodeInfo& node(const std::string& name) const {
    for (const NodeInfo& candidate : planned_->index().nodes()) {
      if (candidate.proto->name() == name) return candidate;
    }
    throw std::runtime_error("no node " + name);
  }

  FormContext context(const TargetProfile& target) const {
    return {planned_->index(), planned_->constants(), policy_, target, survey_};
  }

  std::string obstacle(const Use& use, const std::optional<PlannedWeight>& weight, const std::string& name = "product",
                       const std::string& rows = kRows) const {
    const TargetProfile target = test::chip(rows);
    const auto found = accelerator_obstacle(context(target), node(name), use, weight);
    return found ? found->text : "";
  }

  test::TestModel model_;
  std::optional<test::Planned> planned_;
  Policy policy_;
  Survey survey_;
};

Use codes(DType type, std::optional<bool> symmetric = std::nullopt) {
  Use use;
  use.activation_type = type;
  use.activation_symmetric = symmetric;
  return use;
}

constexpr PlannedWeight kChannels{DType::kInt8, Symmetry::kSymmetric, Granularity::kChannel};

TEST_F(AcceleratorRules, OneRowThatFitsIsEnough) {
  EXPECT_EQ(obstacle({}, kChannels), "") << "uint8 where nothing is wished";
  EXPECT_EQ(obstacle(codes(DType::kUint16), kChannels), "");
  EXPECT_EQ(
      obstacle(codes(DType::kInt8, true), PlannedWeight{DType::kInt4, Symmetry::kAsymmetric, Granularity::kBlock}), "")
      << "the second row says nothing about weights";
}

TEST_F(AcceleratorRules, AMissNamesWhatWouldWorkOfTheRowThatCameFurthest) {
  const std::string who = "Chip (target chip) takes MatMul with ";
  EXPECT_EQ(obstacle(codes(DType::kInt16), kChannels),
            who + "activations of uint8, uint16, not int16 (activation_type)");
  EXPECT_EQ(obstacle(codes(DType::kInt8), kChannels), who + "symmetric activations alone (activation_symmetric: true)");
  EXPECT_EQ(obstacle({}, PlannedWeight{DType::kInt4}), who + "weights of int8, not int4");
  EXPECT_EQ(obstacle({}, PlannedWeight{DType::kInt8, Symmetry::kSymmetric, Granularity::kBlock}),
            who + "weights per tensor or channel, not per block");
  EXPECT_EQ(obstacle({}, PlannedWeight{DType::kInt8, Symmetry::kAsymmetric, Granularity::kChannel}),
            who + "symmetric weights alone (symmetric: true)");
  EXPECT_EQ(obstacle({}, PlannedWeight{DType::kInt8, Symmetry::kAsymmetric, Granularity::kTensor}), "")
      << "one scale may have a zero point";
}

TEST_F(AcceleratorRules, OpsetsBoundARow) {
  const std::string old = "  - {ops: [MatMul], codes: [uint8], max_opset: 12, source: table 1}\n",
                    young = "  - {ops: [MatMul], codes: [uint8], min_opset: 21, source: table 1}\n";
  EXPECT_EQ(obstacle({}, kChannels, "product", old), "Chip (target chip) takes MatMul with it up to opset 12");
  EXPECT_EQ(obstacle({}, kChannels, "product", young), "Chip (target chip) takes MatMul with it from opset 21 on");
}

TEST_F(AcceleratorRules, OperatorsThatStandInNoRowOfCodes) {
  EXPECT_EQ(obstacle({}, std::nullopt, "bend"), "Chip (target chip) does not take Tanh between codes");
  EXPECT_EQ(obstacle({}, std::nullopt, "rectify"), "Chip (target chip) does not take Relu between codes");
}

TEST_F(AcceleratorRules, ResultsThatMustHaveOneScale) {
  const TargetProfile target = test::chip(kRows);
  const auto scale = fixed_scale(context(target), node("share"), DType::kUint8);
  ASSERT_TRUE(scale);
  EXPECT_EQ(scale->scale, 1.0 / 256);
  EXPECT_EQ(scale->zero_point, 0);
  EXPECT_FALSE(fixed_scale(context(target), node("share"), DType::kInt8));
  EXPECT_FALSE(fixed_scale(context(target), node("product"), DType::kUint8));
}

TEST_F(AcceleratorRules, FloatsOutOfCodesAreForRowsThatSaySo) {
  const TargetProfile target = test::chip(kRows);
  EXPECT_TRUE(accelerator_allows_floats(context(target), node("product")));
  EXPECT_FALSE(accelerator_allows_floats(context(target), node("share")));
  EXPECT_FALSE(accelerator_allows_floats(context(target), node("bend")));
}

TEST_F(AcceleratorRules, AProcessorHasNoSuchRows) {
  const TargetProfile target = test::test_target();
  EXPECT_FALSE(accelerator_obstacle(context(target), node("bend"), codes(DType::kInt16), std::nullopt));
  EXPECT_FALSE(fixed_scale(context(target), node("share"), DType::kUint8));
  EXPECT_TRUE(accelerator_allows_floats(context(target), node("bend")));
}

TEST(PlannedWeightOf, ItsGranularityIsThatOfTheLayout) {
  QuantSpec spec;
  spec.code_type = DType::kInt4;
  spec.symmetry = Symmetry::kAsymmetric;
  ScaleLayout layout;
  EXPECT_EQ(planned_weight(spec, layout).granularity, Granularity::kTensor);
  layout.channel_axes = {0};
  EXPECT_EQ(planned_weight(spec, layout).granularity, Granularity::kChannel);
  layout.block_axis = 1;
  layout.block_size = 32;
  const PlannedWeight weight = planned_weight(spec, layout);
  EXPECT_EQ(weight.granularity, Granularity::kBlock);
  EXPECT_EQ(weight.type, DType::kInt4);
  EXPECT_EQ(weight.symmetry, Symmetry::kAsymmetric);
}

}  // namespace
}  // namespace vetquant::plan
