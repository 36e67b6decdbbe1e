#include "vetquant/eval/weight_error.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/model_builder.h"

namespace vetquant {
namespace {

using test::kFloat;
using test::raw_tensor;
using test::TempFolder;
using test::TestModel;

constexpr int32_t kInt8 = onnx::TensorProto::INT8, kUint8 = onnx::TensorProto::UINT8;

TestModel float_model(const test::Dims& shape, const std::vector<float>& weights) {
  TestModel model;
  model.main().input("x", kFloat, {1, shape[0]}).output("y", kFloat, {1, shape[1]});
  model.main().floats("w", shape, weights);
  model.main().node("MatMul", {"x", "w"}, {"y"}, "fc");
  return model;
}

WeightComparison compare(const TestModel& plain, const TestModel& quantized) {
  TempFolder folder;
  return compare_weights(folder.write("float.onnx", plain), folder.write("quant.onnx", quantized));
}

TEST(WeightError, FoldedCodesPerChannelAreDequantized) {
  TestModel small;
  auto graph = small.main();
  graph.input("x", kFloat, {1, 2}).output("y", kFloat, {1, 3});
  graph.initializer(
      raw_tensor("w_codes", kInt8, {2, 3}, std::string("\x0a\x14\x1e\xf6\xec\xe2", 6)));  // 10 20 30 / -10 -20 -30
  graph.floats("w_scale", {3}, std::vector<float>{0.1F, 0.05F, 1});
  graph.node("Cast", {"w_codes"}, {"c"}).add_attribute()->set_name("to");
  graph.proto().mutable_node(0)->mutable_attribute(0)->set_type(onnx::AttributeProto::INT);
  graph.proto().mutable_node(0)->mutable_attribute(0)->set_i(kFloat);
  graph.node("Mul", {"c", "w_scale"}, {"w_new"});
  graph.node("MatMul", {"x", "w_new"}, {"y"}, "fc");
  const auto result = compare(float_model({2, 3}, {1, 1, 30, -1, -1, -30.5F}), small);
  ASSERT_EQ(result.weights.size(), 1U);
  EXPECT_TRUE(result.unmatched.empty());
  const WeightError& error = result.weights[0];
  EXPECT_EQ(error.name, "w");
  EXPECT_EQ(error.form, "folded, 8 bits");
  EXPECT_NEAR(error.error_max, 0.5, 1e-6);
  EXPECT_EQ(error.weight_max, 30.5);
  EXPECT_NEAR(error.sqnr_db, 10 * std::log10((4 + 900 + 30.5 * 30.5) / 0.25), 1e-3);
}

TEST(WeightError, NibblesOfMatMulNBitsAreReadInItsTransposedLayout) {
  // w is [32, 2]; codes [2, 2, 8]: blocks of 16 along the 32 rows. Code 8 + c stands for c.
  std::string codes;
  std::vector<float> weights(64);
  const float scales[] = {1, 2, 0.5F, 0.25F};
  for (int n = 0; n < 2; ++n) {
    for (int k = 0; k < 32; k += 2) {
      const int low = k % 16 - 8, high = k % 16 + 1 - 8;
      codes += static_cast<char>((low + 8) | ((high + 8) << 4));
      const float scale = scales[n * 2 + k / 16];
      weights[static_cast<size_t>(k * 2 + n)] = scale * static_cast<float>(low);
      weights[static_cast<size_t>((k + 1) * 2 + n)] = scale * static_cast<float>(high);
    }
  }
  weights[0] += 0.125F;
  TestModel small;
  small.import_domain("com.microsoft", 1);
  auto graph = small.main();
  graph.input("x", kFloat, {1, 32}).output("y", kFloat, {1, 2});
  graph.initializer(raw_tensor("w_codes", kUint8, {2, 2, 8}, codes)).floats("w_scale", {2, 2}, scales);
  auto& node = graph.node("MatMulNBits", {"x", "w_codes", "w_scale"}, {"y"}, "fc", "com.microsoft");
  test::set_int(node, "K", 32);
  test::set_int(node, "N", 2);
  test::set_int(node, "bits", 4);
  test::set_int(node, "block_size", 16);
  const auto result = compare(float_model({32, 2}, weights), small);
  ASSERT_EQ(result.weights.size(), 1U) << (result.unmatched.empty() ? "" : result.unmatched[0]);
  EXPECT_EQ(result.weights[0].form, "MatMulNBits, 4 bits, block 16");
  EXPECT_EQ(result.weights[0].error_max, 0.125);
  EXPECT_NEAR(result.weights[0].error_mean, 0.125 / 64, 1e-9);
}

TEST(WeightError, HalvesAreCompared) {
  TestModel small;
  auto graph = small.main();
  graph.input("x", kFloat, {1, 1}).output("y", kFloat, {1, 2});
  graph.initializer(
      raw_tensor("w_fp16", onnx::TensorProto::FLOAT16, {1, 2}, std::string("\x00\x3c\x00\xc0", 4)));  // 1, -2
  test::set_int(graph.node("Cast", {"w_fp16"}, {"w_new"}), "to", kFloat);
  graph.node("MatMul", {"x", "w_new"}, {"y"}, "fc");
  const auto result = compare(float_model({1, 2}, {1, -2.5F}), small);
  ASSERT_EQ(result.weights.size(), 1U);
  EXPECT_EQ(result.weights[0].form, "fp16");
  EXPECT_EQ(result.weights[0].error_max, 0.5);
}

TEST(WeightError, CodesWithoutACounterpartAreNamed) {
  TestModel small;
  auto graph = small.main();
  graph.input("x", kFloat, {1}).output("y", kFloat, {1});
  graph.initializer(raw_tensor("other_codes", kInt8, {1}, "a")).floats("other_scale", {1}, std::vector<float>{1});
  graph.node("Identity", {"x"}, {"y"});
  const auto result = compare(float_model({1, 1}, {1}), small);
  ASSERT_EQ(result.unmatched.size(), 1U);
  EXPECT_EQ(result.unmatched[0], "other_codes: the float model has no constant 'other'");
}

}  // namespace
}  // namespace vetquant
