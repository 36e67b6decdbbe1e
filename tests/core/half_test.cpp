#include "vetquant/core/half.h"

#include <gmock/gmock.h>
#include <hwy/targets.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <vector>

namespace vetquant {
namespace {

using testing::ElementsAre;

void for_each_instruction_set(const std::function<void(const std::string&)>& fn) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    fn(hwy::TargetName(target));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

// What the bits mean, by the standard: no trick.
double meaning(uint16_t bits, int exponent_bits, int fraction_bits) {
  const int exponent = (bits >> fraction_bits) & ((1 << exponent_bits) - 1),
            fraction = bits & ((1 << fraction_bits) - 1);
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) return fraction != 0 ? NAN : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias - fraction_bits);
  return sign * std::ldexp(1 + std::ldexp(fraction, -fraction_bits), exponent - bias);
}

// Floats that are hard to round: every boundary between two neighbours, one step to either side, and noise.
std::vector<float> hard_floats(float (*widen)(uint16_t)) {
  std::vector<float> values;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = widen(static_cast<uint16_t>(bits)), next = widen(static_cast<uint16_t>(bits + 1));
    values.push_back(value);
    if (std::isnan(value) || std::isinf(value) || std::isnan(next)) continue;
    const float middle =
        std::isinf(next) ? value + (value - widen(static_cast<uint16_t>(bits - 1))) / 2 : value + (next - value) / 2;
    values.insert(values.end(), {middle, std::nextafter(middle, -INFINITY), std::nextafter(middle, INFINITY)});
  }
  uint32_t noise = 1;
  for (int i = 0; i < 300000; ++i) {
    noise = noise * 1664525u + 1013904223u;
    values.push_back(std::bit_cast<float>(noise ^ (noise >> 7)));
  }
  for (const uint32_t nan : {0x7F800001u, 0x7FC00000u, 0xFF800001u, 0xFFFFFFFFu, 0x7FA12345u})
    values.push_back(std::bit_cast<float>(nan));
  return values;
}

TEST(Half, GoldenValues) {
  EXPECT_EQ(float_to_half(1.0f), 0x3C00);
  EXPECT_EQ(float_to_half(-2.0f), 0xC000);
  EXPECT_EQ(float_to_half(65504.0f), 0x7BFF);
  EXPECT_EQ(float_to_half(65519.996f), 0x7BFF);
  EXPECT_EQ(float_to_half(65520.0f), 0x7C00);  // the tie goes to even, which is infinity
  EXPECT_EQ(float_to_half(0x1p-24f), 0x0001);
  EXPECT_EQ(float_to_half(0x1p-25f), 0x0000);  // tie to even
  EXPECT_EQ(float_to_half(0x1.8p-24f), 0x0002);
  EXPECT_EQ(float_to_half(-0.0f), 0x8000);
  EXPECT_EQ(float_to_half(1 + 0x1p-11f), 0x3C00);
  EXPECT_EQ(float_to_half(1 + 0x1.8p-10f), 0x3C02);
  EXPECT_EQ(float_to_half(INFINITY), 0x7C00);
  EXPECT_EQ(float_to_bfloat16(1.0f), 0x3F80);
  EXPECT_EQ(float_to_bfloat16(1 + 0x1p-8f), 0x3F80);
  EXPECT_EQ(float_to_bfloat16(1 + 0x1.8p-7f), 0x3F82);
  EXPECT_EQ(float_to_bfloat16(std::numeric_limits<float>::max()), 0x7F80);
}

TEST(Half, EveryHalfMeansWhatTheStandardSays) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const uint16_t half = static_cast<uint16_t>(bits);
    const double expected = meaning(half, 5, 10), expected_bfloat = meaning(half, 8, 7);
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(half_to_float(half)));
    } else {
      ASSERT_EQ(half_to_float(half), expected);
      ASSERT_EQ(float_to_half(half_to_float(half)), half);
    }
    if (std::isnan(expected_bfloat)) {
      EXPECT_TRUE(std::isnan(bfloat16_to_float(half)));
    } else {
      ASSERT_EQ(bfloat16_to_float(half), expected_bfloat);
      ASSERT_EQ(float_to_bfloat16(bfloat16_to_float(half)), half);
    }
  }
}

TEST(Half, RoundingIsToTheNearestAndTiesGoToEven) {
  for (const float value : hard_floats(half_to_float)) {
    if (!std::isfinite(value) || std::abs(value) >= 65520) continue;
    const uint16_t half = float_to_half(value);
    const double error = std::abs(double{value} - half_to_float(half));
    for (const int step : {-1, 1}) {
      const uint16_t other = static_cast<uint16_t>(half + step);
      if (((other ^ half) & 0x8000) != 0 || (other & 0x7FFF) >= 0x7C00) continue;
      const double other_error = std::abs(double{value} - half_to_float(other));
      ASSERT_TRUE(error < other_error || (error == other_error && half % 2 == 0)) << value;
    }
  }
}

TEST(Half, ArraysAgreeWithTheScalarFunctionsOnEveryInstructionSet) {
  const std::vector<float> values = hard_floats(half_to_float);
  for_each_instruction_set([&](const std::string& instructions) {
    std::vector<uint16_t> out(values.size());
    floats_to_halves(values, Overflow::kInfinity, out);
    for (size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(out[i], float_to_half(values[i]))
          << instructions << ", " << std::hex << std::bit_cast<uint32_t>(values[i]);
    }
  });
}

TEST(Half, Bfloat16ArraysAgreeWithTheScalarFunctionsOnEveryInstructionSet) {
  const std::vector<float> values = hard_floats(bfloat16_to_float);
  for_each_instruction_set([&](const std::string& instructions) {
    std::vector<uint16_t> out(values.size());
    floats_to_bfloat16s(values, Overflow::kInfinity, out);
    for (size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(out[i], float_to_bfloat16(values[i]))
          << instructions << ", " << std::hex << std::bit_cast<uint32_t>(values[i]);
    }
  });
}

TEST(Half, AllHalvesWidenToTheSameBitsOnEveryInstructionSet) {
  std::vector<uint16_t> all(0x10000);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  for_each_instruction_set([&](const std::string& instructions) {
    std::vector<float> halves(all.size()), bfloats(all.size());
    halves_to_floats(all, halves);
    bfloat16s_to_floats(all, bfloats);
    for (size_t i = 0; i < all.size(); ++i) {
      ASSERT_EQ(std::bit_cast<uint32_t>(halves[i]), std::bit_cast<uint32_t>(half_to_float(all[i])))
          << instructions << ", " << i;
      ASSERT_EQ(std::bit_cast<uint32_t>(bfloats[i]), std::bit_cast<uint32_t>(bfloat16_to_float(all[i])))
          << instructions << ", " << i;
    }
  });
}

TEST(Half, EveryLengthWorksAndNothingBehindItIsTouched) {
  for_each_instruction_set([&](const std::string& instructions) {
    for (size_t length = 0; length < 70; ++length) {
      std::vector<float> values(length), back(length + 1, 99);
      for (size_t i = 0; i < length; ++i) values[i] = static_cast<float>(i) - 30;
      std::vector<uint16_t> halves(length + 1, 0xABCD);
      const HalfCounts counts = floats_to_halves(values, Overflow::kClamp, std::span(halves).first(length));
      halves_to_floats(std::span(halves).first(length), std::span(back).first(length));
      back.resize(length);
      EXPECT_EQ(back, values) << instructions;
      EXPECT_EQ(halves[length], 0xABCD) << instructions << length;
      EXPECT_EQ(counts.overflowed + counts.underflowed, 0u);
    }
  });
}

TEST(Half, WhatIsLostIsCounted) {
  const float largest = std::numeric_limits<float>::max();
  const std::vector<float> values{65520,     -1e6f, 65504, INFINITY, std::nanf(""), 1e-10f,
                                  -0x1p-25f, 0,     -0.0f, 0x1p-24f, largest};
  for_each_instruction_set([&](const std::string&) {
    std::vector<uint16_t> out(values.size());
    HalfCounts counts = floats_to_halves(values, Overflow::kInfinity, out);
    EXPECT_EQ(counts.overflowed, 3u);
    EXPECT_EQ(counts.underflowed, 2u);
    EXPECT_THAT(out, ElementsAre(0x7C00, 0xFC00, 0x7BFF, 0x7C00, 0x7E00, 0, 0x8000, 0, 0x8000, 1, 0x7C00));
    counts += floats_to_halves(values, Overflow::kClamp, out);
    EXPECT_EQ(counts.overflowed, 6u);
    EXPECT_EQ(counts.underflowed, 4u);
    EXPECT_THAT(out, ElementsAre(0x7BFF, 0xFBFF, 0x7BFF, 0x7C00, 0x7E00, 0, 0x8000, 0, 0x8000, 1, 0x7BFF));
  });
}

TEST(Half, Bfloat16LossesAreCounted) {
  const float largest = std::numeric_limits<float>::max(), tiny = std::numeric_limits<float>::denorm_min();
  const std::vector<float> values{largest, -largest, tiny, 1, INFINITY, 0};
  std::vector<uint16_t> out(values.size());
  const HalfCounts counts = floats_to_bfloat16s(values, Overflow::kClamp, out);
  EXPECT_EQ(counts.overflowed, 2u);
  EXPECT_EQ(counts.underflowed, 1u);
  EXPECT_THAT(out, ElementsAre(0x7F7F, 0xFF7F, 0, 0x3F80, 0x7F80, 0));
}

}  // namespace
}  // namespace vetquant
