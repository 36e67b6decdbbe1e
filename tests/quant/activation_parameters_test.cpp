// Hand-computed scales, zero points and bias codes.
#include "vetquant/quant/activation_parameters.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

namespace vetquant::quant {
namespace {

ActivationParameters uint8_of(float low, float high) {
  return activation_parameters({low, high}, DType::kUint8, Symmetry::kAsymmetric);
}

TEST(ActivationParameters, AsymmetricRangeIsSpreadOverAllCodes) {
  EXPECT_EQ(uint8_of(-1, 1.55F), (ActivationParameters{static_cast<float>((double{1.55F} + 1) / 255), 100}));
  EXPECT_EQ(activation_parameters({-1, 1.55F}, DType::kInt8, Symmetry::kAsymmetric).zero_point, -28);
  EXPECT_EQ(activation_parameters({-1, 1}, DType::kUint16, Symmetry::kAsymmetric).zero_point, 32768);
}

TEST(ActivationParameters, RangesAreWidenedToHoldZero) {
  EXPECT_EQ(uint8_of(2, 5.1F), (ActivationParameters{5.1F / 255, 0}));
  EXPECT_EQ(uint8_of(-5.1F, -2), (ActivationParameters{5.1F / 255, 255}));
}

TEST(ActivationParameters, ARangeOfZeroGetsScaleOne) {
  EXPECT_EQ(uint8_of(0, 0), (ActivationParameters{1, 0}));
  EXPECT_EQ(activation_parameters({0, 0}, DType::kInt8, Symmetry::kSymmetric), (ActivationParameters{1, 0}));
}

TEST(ActivationParameters, SymmetricZeroPointsAreTheMiddle) {
  EXPECT_EQ(activation_parameters({-1, 2.54F}, DType::kInt8, Symmetry::kSymmetric),
            (ActivationParameters{static_cast<float>(double{2.54F} / 127), 0}));
  EXPECT_EQ(activation_parameters({-3, 1}, DType::kUint8, Symmetry::kSymmetric).zero_point, 128);
  EXPECT_EQ(activation_parameters({-3, 1}, DType::kInt16, Symmetry::kSymmetric).scale, static_cast<float>(3.0 / 32767));
}

TEST(ActivationParameters, TheSmallestAndLargestRangesGiveNormalScales) {
  EXPECT_TRUE(std::isnormal(uint8_of(0, 1e-45F).scale));
  EXPECT_TRUE(std::isnormal(uint8_of(-3e38F, 3e38F).scale));
}

TEST(BiasCode, CountsInUnitsOfBothScales) {
  EXPECT_EQ(bias_code(1.5F, 0.5F, 0.25F), 12);
  EXPECT_EQ(bias_code(-1.5F, 0.5F, 0.25F), -12);
  EXPECT_EQ(bias_code(0.0625F * 3, 0.5F, 0.25F), 2);  // 1.5: to even
}

TEST(BiasCode, TheLeastWeightScaleKeepsItWithinHalfOfInt32) {
  for (const float bias : {1e-3F, 7.0F, -12345.678F, 1e20F}) {
    for (const float input : {1e-6F, 0.02F, 3.0F}) {
      const float scale = least_weight_scale(bias, input);
      const int32_t code = bias_code(bias, input, scale);
      EXPECT_LE(std::abs(code), (1 << 30) + 128) << bias << " " << input;
      EXPECT_GT(std::abs(code), (1 << 30) - 256) << "wider than it has to be: " << bias << " " << input;
    }
  }
  EXPECT_EQ(least_weight_scale(0, 0.1F), 0);
}

}  // namespace
}  // namespace vetquant::quant
