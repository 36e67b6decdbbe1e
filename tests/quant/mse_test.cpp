#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "values.h"
#include "vetquant/quant/algorithm.h"
#include "vetquant/quant/distortion.h"
#include "vetquant/quant/log_scale.h"

namespace vetquant {
namespace {

using namespace test;

struct Result {
  std::vector<float> scale, zero_point;
  std::vector<uint8_t> codes;
  std::vector<double> error;  // squared, of each group
  bool operator==(const Result&) const = default;
};

double squared_error(const QuantSpec& spec, std::span<const float> values, float scale, float zero,
                     std::vector<uint8_t>& codes) {
  codes.resize(values.size());
  std::vector<float> back(values.size());
  encode_nearest(spec, values, static_cast<int64_t>(values.size()), {&scale, 1}, {&zero, 1}, codes);
  decode(spec, codes, static_cast<int64_t>(values.size()), {&scale, 1}, {&zero, 1}, back);
  long double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const long double error = static_cast<long double>(values[i]) - back[i];
    sum += error * error;
  }
  return static_cast<double>(sum);
}

Result quantize(const std::string& algorithm, const QuantSpec& spec, std::span<const float> values, int64_t length) {
  const AlgorithmSet set;
  const size_t run = static_cast<size_t>(length), groups = values.size() / run;
  Result result{std::vector<float>(groups), std::vector<float>(groups), std::vector<uint8_t>(values.size()), {}};
  set.find(algorithm).quantize(spec, values, length, result.scale, result.zero_point, result.codes);
  std::vector<uint8_t> codes;
  for (size_t g = 0; g < groups; ++g) {
    result.error.push_back(
        squared_error(spec, values.subspan(g * run, run), result.scale[g], result.zero_point[g], codes));
    EXPECT_TRUE(std::equal(codes.begin(), codes.end(), result.codes.begin() + static_cast<std::ptrdiff_t>(g * run)));
  }
  return result;
}

double total(const Result& result) {
  double sum = 0;
  for (const double error : result.error) sum += error;
  return sum;
}

TEST(Mse, IsNeverWorseThanRtnInAnyGroup) {
  for (const int64_t length : {1, 5, 32, 33, 700}) {
    for (const Family& family : families(static_cast<size_t>(length * 4))) {
      for (const QuantSpec& spec : all_specs()) {
        if (spec.scale_type != ScaleType::kFloat32 && !fits_halves(family)) continue;
        const Result mse = quantize("mse", spec, family.values, length),
                     rtn = quantize("rtn", spec, family.values, length);
        for (size_t g = 0; g < 4; ++g) {
          EXPECT_LE(mse.error[g], rtn.error[g] * (1 + 1e-12))
              << described(spec) << ", " << family.name << ", " << length;
          EXPECT_TRUE(std::isfinite(mse.scale[g]) && mse.scale[g] > 0) << described(spec) << ", " << family.name;
          if (spec.zero_point == ZeroPointKind::kInteger) {
            EXPECT_EQ(mse.zero_point[g], std::nearbyint(mse.zero_point[g]));
          }
        }
      }
    }
  }
}

TEST(Mse, EveryInstructionSetGivesTheSameBits) {
  for (const int64_t length : {1, 19, 32, 128, 511, 513, 2000}) {
    for (const Family& family : families(static_cast<size_t>(length * 3))) {
      for (const QuantSpec& spec : all_specs()) {
        if (spec.scale_type != ScaleType::kFloat32) continue;
        std::vector<Result> results;
        for_each_instruction_set(
            [&](const std::string&) { results.push_back(quantize("mse", spec, family.values, length)); });
        for (const Result& other : results)
          ASSERT_EQ(other, results[0]) << described(spec) << ", " << family.name << ", " << length;
      }
    }
  }
}

TEST(Mse, GainsWhatClippingCanGainOnNormalValues) {
  const std::vector<float> values = normal_values(32 * 2000, 21, 0.03);
  QuantSpec spec;
  spec.code_type = DType::kInt4;
  const double gain_db =
      10 * std::log10(total(quantize("rtn", spec, values, 32)) / total(quantize("mse", spec, values, 32)));
  EXPECT_GT(gain_db, 0.5);
  EXPECT_LT(gain_db, 2.0);
  // Eight bits have little to clip.
  spec.code_type = DType::kInt8;
  const double gain8_db =
      10 * std::log10(total(quantize("rtn", spec, values, 32)) / total(quantize("mse", spec, values, 32)));
  EXPECT_GT(gain8_db, 0.05);
  EXPECT_LT(gain8_db, 1.0);
}

TEST(Mse, GainsOnTheGridOfLogScalesToo) {
  const std::vector<float> values = normal_values(32 * 2000, 21, 0.03);
  QuantSpec spec;
  spec.code_type = DType::kInt4;
  spec.scale_type = ScaleType::kLog8;
  const Result found = quantize("mse", spec, values, 32);
  const auto grid = log8_grid();
  for (const float scale : found.scale) EXPECT_TRUE(std::binary_search(grid.begin(), grid.end(), scale)) << scale;
  EXPECT_GT(10 * std::log10(total(quantize("rtn", spec, values, 32)) / total(found)), 0.4);
}

TEST(Mse, ComesCloseToAnExhaustiveSearch) {
  const std::vector<float> values = normal_values(32 * 300, 22, 0.03);
  for (const DType type : {DType::kInt4, DType::kInt8}) {
    QuantSpec spec;
    spec.code_type = type;
    const Result rtn = quantize("rtn", spec, values, 32), mse = quantize("mse", spec, values, 32);
    double best_total = 0;
    std::vector<uint8_t> codes;
    for (size_t g = 0; g < rtn.scale.size(); ++g) {
      double best = rtn.error[g];
      for (double keep = 0.3; keep < 1.07; keep += 0.001) {
        const float scale = static_cast<float>(rtn.scale[g] * keep);
        best = std::min(best, squared_error(spec, std::span(values).subspan(g * 32, 32), scale, 0, codes));
      }
      best_total += best;
    }
    EXPECT_GE(total(mse), best_total * 0.999) << name_of(type);
    EXPECT_LE(total(mse), best_total * (type == DType::kInt4 ? 1.08 : 1.35)) << name_of(type);
  }
}

TEST(Mse, OnTheGridOfLogScalesFindsNearlyTheBestOfItsValues) {
  const std::vector<float> values = normal_values(32 * 300, 24, 0.03);
  QuantSpec spec;
  spec.code_type = DType::kInt4;
  spec.scale_type = ScaleType::kLog8;
  const Result rtn = quantize("rtn", spec, values, 32), mse = quantize("mse", spec, values, 32);
  double best_total = 0;
  std::vector<uint8_t> codes;
  for (size_t g = 0; g < rtn.scale.size(); ++g) {
    double best = rtn.error[g];
    for (const float scale : log8_grid()) {
      best = std::min(best, squared_error(spec, std::span(values).subspan(g * 32, 32), scale, 0, codes));
    }
    best_total += best;
  }
  EXPECT_GE(total(mse), best_total * 0.999);
  EXPECT_LE(total(mse), best_total * 1.02);
}

TEST(Mse, ClipsALoneOutlierOfALongGroup) {
  std::vector<float> values = normal_values(4096, 23, 0.02);
  values[100] = 0.4f;
  QuantSpec spec;
  spec.code_type = DType::kInt4;
  const Result rtn = quantize("rtn", spec, values, 4096), mse = quantize("mse", spec, values, 4096);
  EXPECT_LT(mse.scale[0], rtn.scale[0] * 0.6f);
  EXPECT_LT(mse.error[0], rtn.error[0] * 0.7);
}

TEST(Mse, StreamedFitIsThatOfTheWholeGroupHoweverItIsCut) {
  for (const Family& family : families(5000)) {
    for (const QuantSpec& spec : all_specs()) {
      if (spec.scale_type != ScaleType::kFloat32 && !fits_halves(family)) continue;
      if (spec.range != CodeRange::kFull) continue;
      const AlgorithmSet set;
      const Result whole = quantize("mse", spec, family.values, 5000);
      for (const size_t piece_size : {1u, 500u, 512u, 777u, 5000u}) {
        if (piece_size == 1 && family.name != "normal") continue;
        const ReplayValues replay = [&](const auto& piece) {
          const std::span<const float> all(family.values);
          for (size_t at = 0; at < all.size(); at += piece_size)
            piece(all.subspan(at, std::min(piece_size, all.size() - at)));
        };
        float scale = 0, zero = 0;
        set.find("mse").fit_streamed(spec, replay, scale, zero);
        ASSERT_EQ(scale, whole.scale[0]) << described(spec) << ", " << family.name << ", " << piece_size;
        ASSERT_EQ(zero, whole.zero_point[0]) << described(spec) << ", " << family.name << ", " << piece_size;
      }
    }
  }
}

TEST(Mse, AShortGroupThatIsStreamedIsSearchedLikeOneInMemory) {
  const std::vector<float> values = normal_values(300, 31, 0.02);
  QuantSpec spec;
  spec.code_type = DType::kInt4;
  const Result whole = quantize("mse", spec, values, 300);
  float scale = 0, zero = 0;
  AlgorithmSet().find("mse").fit_streamed(
      spec,
      [&](const auto& piece) {
        piece(std::span(values).first(7));
        piece(std::span(values).subspan(7));
      },
      scale, zero);
  EXPECT_EQ(scale, whole.scale[0]);
  EXPECT_EQ(zero, whole.zero_point[0]);
}

TEST(Mse, ScalingAllValuesByAPowerOfTwoChangesNoCode) {
  // The search counts in units of the scale: very small and very large weights are searched like any other.
  const std::vector<float> values = normal_values(32 * 50, 24);
  QuantSpec spec;
  spec.code_type = DType::kInt4;
  const Result plain = quantize("mse", spec, values, 32);
  for (const float factor : {0x1p-90f, 0x1p90f}) {
    std::vector<float> scaled = values;
    for (float& value : scaled) value *= factor;
    EXPECT_EQ(quantize("mse", spec, scaled, 32).codes, plain.codes) << factor;
  }
}

}  // namespace
}  // namespace vetquant
