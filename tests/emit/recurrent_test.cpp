// LSTM as DynamicQuantizeLSTM; GRU as stored weights.
#include <gtest/gtest.h>

#include "places.h"
#include "vetquant/core/error.h"

namespace vetquant::test {
namespace {

constexpr int64_t kSteps = 5, kInput = 12, kHidden = 8;

Case recurrent_case(const std::string& op, int64_t gates, int64_t directions, int64_t opset = 17) {
  Case c;
  c.input = {"x", make_floats({kSteps, 2, kInput}, random_floats(kSteps * 2 * kInput, 31))};
  const auto values = [](int64_t count, uint64_t seed) { return random_floats(static_cast<size_t>(count), seed); };
  c.weights = {{"w", {directions, gates * kHidden, kInput}, values(directions * gates * kHidden * kInput, 32)},
               {"r", {directions, gates * kHidden, kHidden}, values(directions * gates * kHidden * kHidden, 33)},
               {"b", {directions, 2 * gates * kHidden}, values(directions * 2 * gates * kHidden, 34)}};
  c.nodes = {{op, {"x", "w", "r", "b"}, {"y"}, "target", [directions](onnx::NodeProto& node) {
                set_int(node, "hidden_size", kHidden);
                if (directions == 2) set_string(node, "direction", "bidirectional");
              }}};
  c.output_dims = {kSteps, directions, 2, kHidden};
  c.opset = opset;
  return c;
}

std::vector<WeightPlan> dynamic(const QuantSpec& spec, const ScaleLayout& layout) {
  std::vector<WeightPlan> plans;
  for (int input : {1, 2}) {
    WeightPlan plan;
    plan.weight = input == 1 ? "w" : "r";
    plan.form = Form::kDynamicLstm;
    plan.spec = spec;
    plan.layout = layout;
    plan.swapped = true;
    plan.uses = {{.node = "target", .input = input, .transposed = true}};
    plans.push_back(plan);
  }
  return plans;
}

TEST(DynamicLstm, IsNearTheFloatLstmOfTheSameWeightsInEveryPlace) {
  const auto plans = dynamic({.code_type = DType::kInt8, .range = exact_range()}, {.channel_axes = {0, 2}});
  for (Where where : all_places()) {
    for (int64_t opset : {8, 17}) {
      if (where == Where::kFunction && opset == 8) continue;
      SCOPED_TRACE(name_of(where));
      const Case c = recurrent_case("LSTM", 4, 2, opset);
      const Rewritten rewritten = rewrite(build(c, where), plans);
      const double error = error_of(with_dequantized(c, plans), c, where, rewritten);
      EXPECT_GT(error, 1e-5);  // activations are rounded
      EXPECT_LT(error, 2e-2);
      EXPECT_EQ(written(rewritten.path).at("com.microsoft:DynamicQuantizeLSTM"), 1u);
      EXPECT_EQ(written(rewritten.path).count("LSTM"), 0u);
    }
  }
}

TEST(DynamicLstm, PerDirectionAndUnsignedAndHalfScales) {
  const Case c = recurrent_case("LSTM", 4, 2);
  for (DType type : {DType::kInt8, DType::kUint8}) {
    for (const ScaleLayout& layout : {ScaleLayout{.channel_axes = {0}}, ScaleLayout{.channel_axes = {0, 2}}}) {
      const CodeRange range = type == DType::kInt8 ? exact_range() : CodeRange::kFull;
      const auto plans = dynamic({.code_type = type, .range = range, .scale_type = ScaleType::kFloat16}, layout);
      const Rewritten rewritten = rewrite(build(c, Where::kTop), plans);
      EXPECT_LT(error_of(with_dequantized(c, plans), c, Where::kTop, rewritten), 2e-2);
    }
  }
}

TEST(DynamicLstm, BothWeightsMustBeConstant) {
  auto plans = dynamic({.code_type = DType::kInt8}, {.channel_axes = {0, 2}});
  plans.pop_back();
  try {
    rewrite(build(recurrent_case("LSTM", 4, 1), Where::kTop), plans);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_STREQ(error.what(), "/target: form dynamic_lstm needs both W and R as constants; use form fold_at_load");
  }
}

TEST(Gru, StoredWeightsAreExact) {
  const Case c = recurrent_case("GRU", 3, 1);
  std::vector<WeightPlan> plans;
  for (int input : {1, 2}) {
    WeightPlan plan;
    plan.weight = input == 1 ? "w" : "r";
    plan.layout = {.channel_axes = {0, 1}};
    plan.uses = {{.node = "target", .input = input}};
    plans.push_back(plan);
  }
  for (Where where : {Where::kTop, Where::kIfInner}) {
    const Rewritten rewritten = rewrite(build(c, where), plans);
    EXPECT_LT(error_of(with_dequantized(c, plans), c, where, rewritten), 1e-5);
    EXPECT_EQ(optimized(rewritten.path).count("Cast"), 0u);
  }
}

}  // namespace
}  // namespace vetquant::test
