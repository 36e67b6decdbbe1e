#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "support/error_of.h"
#include "values.h"
#include "vetquant/core/half.h"
#include "vetquant/quant/algorithm.h"
#include "vetquant/quant/distortion.h"
#include "vetquant/quant/log_scale.h"

namespace vetquant {
namespace {

using namespace test;
using testing::ElementsAre;

struct Result {
  std::vector<float> scale, zero_point;
  std::vector<uint8_t> codes;
  std::vector<float> decoded;
};

Result quantize(const QuantSpec& spec, const std::vector<float>& values, int64_t length) {
  const AlgorithmSet set;
  const size_t groups = values.size() / static_cast<size_t>(length);
  Result result{std::vector<float>(groups), std::vector<float>(groups), std::vector<uint8_t>(values.size()),
                std::vector<float>(values.size())};
  set.find(spec.algorithm).quantize(spec, values, length, result.scale, result.zero_point, result.codes);
  decode(spec, result.codes, length, result.scale, result.zero_point, result.decoded);
  return result;
}

QuantSpec spec_of(DType type, Symmetry symmetry = Symmetry::kSymmetric, CodeRange range = CodeRange::kFull) {
  QuantSpec spec;
  spec.code_type = type;
  spec.symmetry = symmetry;
  spec.range = range;
  return spec;
}

// Golden vectors by hand.

TEST(Rtn, Int8ReachesTheLargestPositiveValueWith127) {
  // scale = 1.27 / 127 = 0.01
  const Result r = quantize(spec_of(DType::kInt8), {1.27f, -0.5f, 0.014f, 0}, 4);
  EXPECT_FLOAT_EQ(r.scale[0], 0.01f);
  EXPECT_EQ(r.zero_point[0], 0);
  EXPECT_THAT(r.codes, ElementsAre(127, 256 - 50, 1, 0));
}

TEST(Rtn, FullRangeUsesTheExtraNegativeCode) {
  // -8 needs scale 1 on the negative side; 7 / 7 asks for 1 as well.
  EXPECT_THAT(quantize(spec_of(DType::kInt4), {-8, 7, 1, -1}, 4).codes, ElementsAre(8, 7, 1, 15));
  EXPECT_THAT(quantize(spec_of(DType::kInt4), {-8, 7, 1, -1}, 4).scale, ElementsAre(1.0f));
  EXPECT_THAT(quantize(spec_of(DType::kInt4), {-4, 1, 0, 0}, 4).scale, ElementsAre(0.5f));
  EXPECT_THAT(quantize(spec_of(DType::kInt8), {-128, 1}, 2).scale, ElementsAre(1.0f));
  EXPECT_THAT(quantize(spec_of(DType::kInt8), {-128, 1}, 2).codes, ElementsAre(0x80, 1));
}

TEST(Rtn, NarrowRangeLeavesTheExtraNegativeCodeOut) {
  const Result r = quantize(spec_of(DType::kInt4, Symmetry::kSymmetric, CodeRange::kNarrow), {-7, 7, 0, 1}, 4);
  EXPECT_EQ(r.scale[0], 1);
  EXPECT_THAT(r.codes, ElementsAre(9, 7, 0, 1));
  EXPECT_EQ(quantize(spec_of(DType::kInt8, Symmetry::kSymmetric, CodeRange::kNarrow), {-127, 0}, 2).scale[0], 1);
}

TEST(Rtn, SevenBitsStayWithin64) {
  EXPECT_THAT(quantize(spec_of(DType::kInt8, Symmetry::kSymmetric, CodeRange::k7Bit), {-64, 63}, 2).codes,
              ElementsAre(0xC0, 63));
  EXPECT_THAT(quantize(spec_of(DType::kUint8, Symmetry::kSymmetric, CodeRange::k7Bit), {-64, 63}, 2).codes,
              ElementsAre(0, 127));
  EXPECT_THAT(quantize(spec_of(DType::kUint8, Symmetry::kAsymmetric, CodeRange::k7Bit), {0, 127}, 2).codes,
              ElementsAre(0, 127));
}

TEST(Rtn, UnsignedSymmetricCodesAreCentred) {
  const Result eight = quantize(spec_of(DType::kUint8), {-128, 127, 0}, 3),
               four = quantize(spec_of(DType::kUint4), {-8, 7, 0}, 3);
  EXPECT_THAT(eight.codes, ElementsAre(0, 255, 128));
  EXPECT_THAT(eight.zero_point, ElementsAre(128));
  EXPECT_THAT(four.codes, ElementsAre(0, 15, 8));
  EXPECT_THAT(four.zero_point, ElementsAre(8));
}

TEST(Rtn, TiesGoToEven) {
  // 127 sets scale 1; an integer zero point does not change which neighbour a tie takes.
  EXPECT_THAT(quantize(spec_of(DType::kInt8), {127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f}, 6).codes,
              ElementsAre(127, 0, 2, 2, 0, 254));
  // range [-1, 254]: scale 1, zero point 1, an odd one
  EXPECT_THAT(quantize(spec_of(DType::kUint8, Symmetry::kAsymmetric), {-1, 254, 0.5f, 1.5f, 2.5f}, 5).codes,
              ElementsAre(0, 255, 1, 3, 3));
}

TEST(Rtn, AsymmetricRangeAlwaysHoldsZero) {
  const Result positive = quantize(spec_of(DType::kUint8, Symmetry::kAsymmetric), {255, 100}, 2);
  EXPECT_EQ(positive.scale[0], 1);
  EXPECT_EQ(positive.zero_point[0], 0);
  EXPECT_THAT(positive.codes, ElementsAre(255, 100));
  const Result negative = quantize(spec_of(DType::kUint8, Symmetry::kAsymmetric), {-255, -100}, 2);
  EXPECT_EQ(negative.zero_point[0], 255);
  EXPECT_THAT(negative.codes, ElementsAre(0, 155));
  const Result four = quantize(spec_of(DType::kInt4, Symmetry::kAsymmetric), {-3, 12}, 2);
  EXPECT_EQ(four.scale[0], 1);
  EXPECT_EQ(four.zero_point[0], -5);
  EXPECT_THAT(four.codes, ElementsAre(8, 7));
}

TEST(Rtn, FloatZeroPointKeepsTheRangeOfTheValues) {
  QuantSpec spec = spec_of(DType::kUint4, Symmetry::kAsymmetric);
  spec.zero_point = ZeroPointKind::kFloat;
  const Result r = quantize(spec, {10, 17.5f, 10.5f}, 3);  // scale 0.5, zero point -20
  EXPECT_EQ(r.scale[0], 0.5f);
  EXPECT_EQ(r.zero_point[0], -20);
  EXPECT_THAT(r.codes, ElementsAre(0, 15, 1));
  EXPECT_THAT(r.decoded, ElementsAre(10, 17.5f, 10.5f));
}

TEST(Rtn, OneValueWithAFloatZeroPointIsExact) {
  for (const DType type : {DType::kUint4, DType::kInt8}) {
    QuantSpec spec = spec_of(type, Symmetry::kAsymmetric);
    spec.zero_point = ZeroPointKind::kFloat;
    for (const float value : {1e-9f, -7.25f, 3e38f}) {
      EXPECT_THAT(quantize(spec, {value, value}, 2).decoded, ElementsAre(value, value)) << described(spec);
    }
  }
}

TEST(Rtn, AllZeroGroupGetsScaleOneAndDecodesToZero) {
  for (const QuantSpec& spec : all_specs()) {
    const Result r = quantize(spec, {0.0f, -0.0f, 0.0f}, 3);
    EXPECT_EQ(r.scale[0], 1) << described(spec);
    EXPECT_THAT(r.decoded, ElementsAre(0, 0, 0)) << described(spec);
  }
}

TEST(Rtn, HalfScalesAreHalvesAndTheCodesAreChosenForThem) {
  QuantSpec spec = spec_of(DType::kInt8);
  spec.scale_type = ScaleType::kFloat16;
  // 1/127 = 0.00787402; the nearest half is 0x2008 = 1032 * 2^-17 = 0.00787354.
  const Result r = quantize(spec, {1, 0.5f}, 2);
  EXPECT_EQ(r.scale[0], 1032 * 0x1p-17f);
  EXPECT_THAT(r.codes, ElementsAre(127, 64));  // 0.5 / scale = 63.5039: with 1/127 it were a tie, 63.5
}

TEST(Rtn, HalfScaleIsRoundedUpWhereTheNearestWouldClip) {
  QuantSpec spec = spec_of(DType::kInt8);
  spec.scale_type = ScaleType::kFloat16;
  const float step =
      0x1p-24f;  // of subnormal halves: 1.4 steps are nearer to 1, but 127 * 1 clips a third of the range
  const Result r = quantize(spec, {127 * 1.4f * step, 0}, 2);
  EXPECT_EQ(r.scale[0], 2 * step);
  EXPECT_EQ(r.codes[0], 89);
  EXPECT_EQ(quantize(spec, {1e-30f, 0}, 2).scale[0], step);  // never 0
}

TEST(Rtn, ValuesBeyondHalfScalesAreRefused) {
  QuantSpec spec = spec_of(DType::kInt8);
  spec.scale_type = ScaleType::kFloat16;
  const Error error = error_of([&] { quantize(spec, {1, 1, 1e8f, 1}, 2); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_STREQ(error.what(), "group 1: has values too large for its scales; use scales: fp32 or keep this tensor");
}

TEST(Rtn, LogScalesLieOnTheGridAndDoNotClip) {
  QuantSpec spec = spec_of(DType::kInt8);
  spec.scale_type = ScaleType::kLog8;
  // 1/127 = 2^-6.98868 lies between codes 166 (2^-7) and 167 (2^-6.90909); 2^-7 is nearer, but would clip by a code.
  const Result r = quantize(spec, {1, 0.5f}, 2);
  EXPECT_EQ(r.scale[0], log8_grid()[167]);
  EXPECT_FLOAT_EQ(r.scale[0], std::exp2(-76.0f / 11));
  EXPECT_THAT(r.codes, ElementsAre(120, 60));
  EXPECT_EQ(quantize(spec, {127, 0}, 2).scale[0], 1);
  EXPECT_EQ(quantize(spec, {1e-38f, 0}, 2).scale[0], log8_grid()[0]);  // never 0
  const Error error = error_of([&] { quantize(spec, {1, 1, 1e10f, 1}, 2); });
  EXPECT_STREQ(error.what(), "group 1: has values too large for its scales; use scales: fp32 or keep this tensor");
}

TEST(Rtn, NanAndInfinityNameTheGroup) {
  for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
    for (const size_t at : {0u, 64u, 95u}) {  // whole vectors and tails
      std::vector<float> values(3 * 33, 1.0f);
      values[at] = bad;
      for (const char* algorithm : {"rtn", "mse"}) {
        QuantSpec spec;
        spec.algorithm = algorithm;
        const Error error = error_of([&] { quantize(spec, values, 33); });
        EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
        EXPECT_EQ(error.what(), "group " + std::to_string(at / 33) +
                                    ": has a value that is NaN or infinite and cannot be quantized; keep this tensor");
      }
    }
  }
}

// Every spec, every family of values, every instruction set, against a plain scalar reference.

float nearest_half_scale(double scale, double reach) {
  for (uint32_t bits = 1; bits < 0x7C00; ++bits) {
    const double half = half_to_float(static_cast<uint16_t>(bits));
    if (half < scale) continue;
    const double below = half_to_float(static_cast<uint16_t>(bits - 1));
    const bool down_is_nearer = scale - below < half - scale || (scale - below == half - scale && bits % 2 == 1);
    const bool clips = (scale / below - 1) * reach > 0.5;
    return static_cast<float>(down_is_nearer && bits > 1 && !clips ? below : half);
  }
  return INFINITY;
}

// The grid by its definition: its codes are ascending exponents of 2. In floats, so that half a step exactly does not clip.
float nearest_log8_scale(double scale, double reach) {
  const auto value = [](int code) {
    const double exponent = code < 23     ? -20 - (23 - code) * 50 / 11.0
                            : code <= 243 ? (code - 243) / 11.0
                                          : 2.0 * (code - 243);
    return static_cast<float>(std::exp2(exponent));
  };
  for (int code = 0; code < 256; ++code) {
    const double above = value(code);
    if (above < scale) continue;
    if (code == 0) return value(0);
    const double below = value(code - 1);
    const bool clips = static_cast<float>(scale) > value(code - 1) * (1 + 0.5f / static_cast<float>(reach));
    return value(scale - below <= above - scale && !clips ? code - 1 : code);
  }
  return INFINITY;
}

// The definition, once more, without the care for values next to the largest float (other tests look at those).
void reference_fit(const QuantSpec& spec, const float* values, size_t length, float& scale, float& zero) {
  const double low = code_min(spec), high = code_max(spec);
  double least = *std::min_element(values, values + length), largest = *std::max_element(values, values + length);
  const auto stored = [&](double wanted, double reach) -> float {
    if (spec.scale_type == ScaleType::kFloat16) return nearest_half_scale(wanted, reach);
    if (spec.scale_type == ScaleType::kLog8) return nearest_log8_scale(wanted, reach);
    return std::max(static_cast<float>(wanted), 0x1p-126f);
  };
  if (spec.symmetry == Symmetry::kSymmetric) {
    zero = static_cast<float>(symmetric_zero_point(spec));
    const double below = least < 0 ? -least / (zero - low) : 0, above = largest > 0 ? largest / (high - zero) : 0;
    scale = below == 0 && above == 0 ? 1 : stored(std::max(below, above), below >= above ? zero - low : high - zero);
    return;
  }
  const bool float_zero = spec.zero_point == ZeroPointKind::kFloat;
  if (!float_zero) {
    least = std::min(least, 0.0);
    largest = std::max(largest, 0.0);
  }
  if (least == 0 && largest == 0) {
    scale = 1;
    zero = static_cast<float>(std::max(low, 0.0));
  } else if (least == largest) {
    scale = stored(std::abs(least), 1);
    zero = static_cast<float>(low - least / scale);
  } else {
    scale = stored((largest - least) / (high - low), high - low);
    zero = static_cast<float>(low - least / scale);
    if (!float_zero) zero = static_cast<float>(std::clamp(std::nearbyint(low - least / scale), low, high));
  }
}

int reference_code(const QuantSpec& spec, float value, float scale, float zero) {
  const float code = spec.zero_point == ZeroPointKind::kFloat ? std::nearbyint(value / scale + zero)
                                                              : std::nearbyint(value / scale) + zero;
  return static_cast<int>(std::clamp(code, static_cast<float>(code_min(spec)), static_cast<float>(code_max(spec))));
}

TEST(Rtn, EverySpecAndInstructionSetAgreesWithTheScalarReference) {
  for (const int64_t length : {1, 7, 16, 32, 45, 300}) {
    std::vector<Family> all = families(static_cast<size_t>(length * 6));
    std::erase_if(all, [](const Family& family) { return !fits_halves(family); });
    for_each_instruction_set([&](const std::string& instructions) {
      for (const QuantSpec& spec : all_specs()) {
        for (const Family& family : all) {
          const Result r = quantize(spec, family.values, length);
          const std::string what =
              instructions + ", " + described(spec) + ", " + family.name + ", length " + std::to_string(length);
          for (size_t group = 0; group < 6; ++group) {
            const size_t first = group * static_cast<size_t>(length);
            float scale = 0, zero = 0;
            reference_fit(spec, family.values.data() + first, static_cast<size_t>(length), scale, zero);
            ASSERT_EQ(r.scale[group], scale) << what;
            ASSERT_EQ(r.zero_point[group], zero) << what;
            for (size_t i = first; i < first + static_cast<size_t>(length); ++i) {
              const int code = reference_code(spec, family.values[i], scale, zero);
              ASSERT_EQ(code_of(spec, r.codes[i]), code) << what << ", value " << family.values[i];
              ASSERT_EQ(r.decoded[i], scale * (static_cast<float>(code) - zero)) << what;
            }
          }
        }
      }
    });
  }
}

TEST(Rtn, NoValueIsFurtherOffThanHalfAStep) {
  for (const QuantSpec& spec : all_specs()) {
    for (const Family& family : families(96)) {
      if (spec.scale_type != ScaleType::kFloat32 && !fits_halves(family)) continue;
      const Result r = quantize(spec, family.values, 32);
      for (size_t i = 0; i < family.values.size(); ++i) {
        const double step = r.scale[i / 32], error = std::abs(double{family.values[i]} - r.decoded[i]);
        ASSERT_TRUE(std::isfinite(r.decoded[i])) << described(spec) << ", " << family.name;
        // The rounded integer zero point shifts the ends by half a step more; a rounded scale clips by up to another half.
        const double allowed = 0.5 + (spec.symmetry == Symmetry::kAsymmetric ? 0.5 : 0) +
                               (spec.scale_type == ScaleType::kFloat32 ? 0 : 0.5);
        // A float zero point far from the codes is itself rounded.
        const double rounding = 4 * std::abs(double{family.values[i]}) * 0x1p-23;
        ASSERT_LE(error, allowed * step * (1 + 1e-5) + rounding)
            << described(spec) << ", " << family.name << ", " << family.values[i];
      }
    }
  }
}

TEST(Rtn, TheLargestFloatsSurvive) {
  const float largest = std::numeric_limits<float>::max();
  // A mask: symmetric codes hold both of its values exactly.
  EXPECT_THAT(quantize(spec_of(DType::kInt8), {-largest, 0}, 2).decoded, ElementsAre(-largest, 0));
  EXPECT_THAT(quantize(spec_of(DType::kInt4), {-largest, 0}, 2).decoded, ElementsAre(-largest, 0));
  for (const QuantSpec& spec : all_specs()) {
    if (spec.scale_type != ScaleType::kFloat32) continue;
    for (const std::vector<float>& values :
         {std::vector{-largest, largest, 0.0f, 1e38f}, {-largest, 0, -1, 1}, {largest, 0, 1, 0}}) {
      const Result r = quantize(spec, values, 4);
      for (size_t i = 0; i < 4; ++i) {
        EXPECT_NEAR(r.decoded[i], values[i], double{r.scale[0]} * 1.01) << described(spec);
        EXPECT_TRUE(std::isfinite(r.decoded[i])) << described(spec);
      }
    }
  }
}

TEST(Rtn, UniformValuesHaveTheSnrOfTheory) {
  // Uniform in [-1, 1]: signal 1/3, noise scale^2 / 12, scale 1/127 or 1/7: 10 log10(4 * 127^2) = 48.1, (4 * 49) = 22.9 dB.
  const std::vector<float> values = uniform_values(1 << 16, 77);
  for (const auto& [type, db] :
       {std::pair(DType::kInt8, 48.1), {DType::kUint8, 48.1}, {DType::kInt4, 22.9}, {DType::kUint4, 22.9}}) {
    Distortion distortion;
    distortion.add(values, quantize(spec_of(type), values, 1 << 12).decoded);
    EXPECT_NEAR(distortion.sqnr_db(), db, 0.2) << name_of(type);
  }
}

TEST(Rtn, ResultsDoNotDependOnHowGroupsAreDividedAmongCalls) {
  const std::vector<float> values = normal_values(1000 * 37, 5);
  const QuantSpec spec = spec_of(DType::kInt4, Symmetry::kAsymmetric);
  const Result whole = quantize(spec, values, 37);
  for (const size_t at : {1u, 255u, 256u, 999u}) {
    const auto cut = values.begin() + static_cast<std::ptrdiff_t>(at * 37);
    Result first = quantize(spec, {values.begin(), cut}, 37);
    const Result second = quantize(spec, {cut, values.end()}, 37);
    first.codes.insert(first.codes.end(), second.codes.begin(), second.codes.end());
    first.scale.insert(first.scale.end(), second.scale.begin(), second.scale.end());
    EXPECT_EQ(first.codes, whole.codes);
    EXPECT_EQ(first.scale, whole.scale);
  }
}

TEST(Rtn, StreamedFitIsThatOfTheWholeGroup) {
  for (const QuantSpec& spec : all_specs()) {
    for (const Family& family : families(3000)) {
      if (spec.scale_type != ScaleType::kFloat32 && !fits_halves(family)) continue;
      const AlgorithmSet set;
      const Result whole = quantize(spec, family.values, 3000);
      float scale = 0, zero = 0;
      const ReplayValues replay = [&](const auto& piece) {
        const std::span<const float> all(family.values);
        piece(all.first(1));
        piece(all.subspan(1, 0));
        piece(all.subspan(1, 1700));
        piece(all.subspan(1701));
      };
      set.find("rtn").fit_streamed(spec, replay, scale, zero);
      EXPECT_EQ(scale, whole.scale[0]) << described(spec) << ", " << family.name;
      EXPECT_EQ(zero, whole.zero_point[0]) << described(spec) << ", " << family.name;
    }
  }
}

TEST(Rtn, NoGroupsAreNoWork) { EXPECT_TRUE(quantize(QuantSpec(), {}, 32).codes.empty()); }

}  // namespace
}  // namespace vetquant
