#include "vetquant/eval/stored_weights.h"

#include <gtest/gtest.h>

#include "support/error_of.h"
#include "support/model_builder.h"

namespace vetquant {
namespace {

using test::kFloat;
using test::raw_tensor;
using test::TempFolder;
using test::TestModel;

constexpr int32_t kUint8 = onnx::TensorProto::UINT8, kHalf = onnx::TensorProto::FLOAT16;

// 64 x 64 weights as 4-bit codes in bytes (2048) with scales (512), as halves (8192), as floats (16384), and a small bias.
TestModel model_of_all_kinds() {
  TestModel model;
  model.import_domain("com.microsoft", 1);
  auto graph = model.main();
  graph.input("x", kFloat, {1, 64}).output("y", kFloat, {1, 64});
  graph.initializer(raw_tensor("a_codes", kUint8, {64, 2, 16}, std::string(2048, '\x11')));
  graph.initializer(raw_tensor("a_scale", kFloat, {64, 2}, std::string(512, '\0')));
  graph.initializer(raw_tensor("b_fp16", kHalf, {64, 64}, std::string(8192, '\0')));
  graph.initializer(raw_tensor("c", kFloat, {64, 64}, std::string(16384, '\0')));
  graph.initializer(raw_tensor("bias", kFloat, {64}, std::string(256, '\0')));
  auto& product = graph.node("MatMulNBits", {"x", "a_codes", "a_scale"}, {"p"}, "product", "com.microsoft");
  test::set_int(product, "K", 64);
  test::set_int(product, "N", 64);
  test::set_int(product, "bits", 4);
  test::set_int(product, "block_size", 32);
  graph.node("MatMul", {"p", "c"}, {"q"}, "plain");
  graph.node("Add", {"q", "bias"}, {"y"}, "add");
  return model;
}

TEST(StoredWeights, CodesAndScalesAreOneWeightAtTheBitsThatItsOperatorUnpacks) {
  TempFolder folder;
  const auto weights = stored_weights(folder.write("m.onnx", model_of_all_kinds()));
  const std::vector<StoredWeightBytes> expected = {
      {"c", "fp32", 16384}, {"b", "fp16", 8192}, {"a", "4 bits", 2560}, {"small constants", "other", 256}};
  EXPECT_EQ(weights, expected);
}

TEST(StoredWeights, SecondOfTwoEqualNamesIsAWeightOfItsOwn) {
  TestModel model = model_of_all_kinds();
  model.main().initializer(raw_tensor("c_codes_1", kUint8, {2000}, std::string(2000, '\0')));
  model.main().initializer(raw_tensor("c_scale_1", kFloat, {2}, std::string(8, '\0')));
  TempFolder folder;
  const auto weights = stored_weights(folder.write("m.onnx", model));
  ASSERT_EQ(weights.size(), 5U);
  EXPECT_EQ(weights[3], (StoredWeightBytes{"c_1", "8 bits", 2008}));
}

TEST(StoredWeights, WhatIsNoModelIsAnError) {
  EXPECT_EQ(test::error_of([] { stored_weights("nowhere.onnx"); }).code(), ErrorCode::kIo);
}

}  // namespace
}  // namespace vetquant
