// Bytes of what will be stored, worked out by hand.
#include "sizes.h"

#include <gtest/gtest.h>

namespace vetquant::test {
namespace {

QuantSpec spec(DType type, Symmetry symmetry = Symmetry::kSymmetric, ScaleType scales = ScaleType::kFloat32) {
  QuantSpec result;
  result.code_type = type;
  result.symmetry = symmetry;
  result.scale_type = scales;
  return result;
}

TEST(Sizes, ScaleShapeHasChannelsAndBlocksInAxisOrder) {
  EXPECT_EQ(scale_shape({8, 70}, {.channel_axes = {0}, .block_axis = 1, .block_size = 32}), (Shape{8, 3}));
  EXPECT_EQ(scale_shape({70, 8}, {.channel_axes = {1}, .block_axis = 0, .block_size = 32}), (Shape{3, 8}));
  EXPECT_EQ(scale_shape({2, 5, 12}, {.channel_axes = {0, 2}, .block_axis = -1, .block_size = 0}), (Shape{2, 12}));
  EXPECT_EQ(scale_shape({4, 4}, {}), Shape{});
}

TEST(Sizes, OneScaleForTheTensor) {
  EXPECT_EQ(plan::stored_bytes(Form::kFoldAtLoad, {10, 10}, spec(DType::kInt8), {}), 100u + 4u);
}

TEST(Sizes, ScalesPerChannelInHalves) {
  const ScaleLayout layout{.channel_axes = {1}, .block_axis = -1, .block_size = 0};
  EXPECT_EQ(plan::stored_bytes(Form::kDynamicInteger, {64, 96},
                               spec(DType::kInt8, Symmetry::kSymmetric, ScaleType::kFloat16), layout),
            6144u + 192u);
}

TEST(Sizes, NibblesArePackedOverTheWholeTensor) {
  EXPECT_EQ(plan::stored_bytes(Form::kFoldAtLoad, {3, 5}, spec(DType::kInt4), {}), 8u + 4u);
}

TEST(Sizes, MatMulNBitsPadsToWholeBlocks) {
  const ScaleLayout layout{.channel_axes = {0}, .block_axis = 1, .block_size = 32};
  // 10 rows of 75: 3 blocks of 32 = 96 codes = 48 bytes; 3 scales of 4 bytes
  EXPECT_EQ(plan::stored_bytes(Form::kMatMulNBits, {10, 75}, spec(DType::kInt4), layout), 10u * (48 + 12));
  // and 2 bytes of packed zero points a row
  EXPECT_EQ(plan::stored_bytes(Form::kMatMulNBits, {10, 75}, spec(DType::kUint4, Symmetry::kAsymmetric), layout),
            10u * (48 + 12 + 2));
}

TEST(Sizes, ATableOfItsOwnHasNoPadding) {
  const ScaleLayout layout{.channel_axes = {0}, .block_axis = 1, .block_size = 32};
  EXPECT_EQ(plan::stored_bytes(Form::kGatherBlock, {10, 75}, spec(DType::kInt4), layout), 10u * (38 + 12));
}

TEST(Sizes, TheLstmStoresItsZeroPoints) {
  const ScaleLayout layout{.channel_axes = {0, 2}, .block_axis = -1, .block_size = 0};
  EXPECT_EQ(plan::stored_bytes(Form::kDynamicLstm, {1, 20, 40}, spec(DType::kInt8), layout), 800u + 160u + 40u);
}

TEST(Sizes, FloatZeroPointsTakeFourBytes) {
  QuantSpec with_floats = spec(DType::kUint4, Symmetry::kAsymmetric);
  with_floats.zero_point = ZeroPointKind::kFloat;
  const ScaleLayout layout{.channel_axes = {0}, .block_axis = 1, .block_size = 32};
  EXPECT_EQ(plan::stored_bytes(Form::kMatMulNBits, {4, 64}, with_floats, layout), 4u * (32 + 8 + 8));
}

}  // namespace
}  // namespace vetquant::test
