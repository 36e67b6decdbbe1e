// Every layout that the forms use, checked against a plain loop over the values; and that neither tiles nor threads show.
#include <gtest/gtest.h>

#include <cstring>

#include "fixture.h"
#include "vetquant/core/half.h"
#include "vetquant/quant/log_scale.h"

namespace vetquant::test {
namespace {

int nibble(const std::vector<std::byte>& packed, size_t i) {
  const int byte = std::to_integer<int>(packed[i / 2]);
  return i % 2 == 0 ? byte & 15 : byte >> 4;
}

// One byte code per element; |w - scale * code| must be at most half a step.
void expect_int8_codes(const Fixture& f, const std::filesystem::path& path,
                       const std::function<size_t(size_t)>& group_of) {
  const auto codes = tensor_bytes(path, "w_codes");
  const auto scale = tensor_floats(path, "w_scale");
  ASSERT_EQ(codes.size(), f.values.size());
  std::vector<float> largest(scale.size(), 0);
  for (size_t i = 0; i < codes.size(); ++i) {
    const float code = static_cast<float>(std::to_integer<int8_t>(codes[i]));
    const float s = scale.at(group_of(i));
    ASSERT_LE(std::abs(f.values[i] - s * code), s * 0.5001f) << i;
    largest[group_of(i)] = std::max(largest[group_of(i)], std::abs(f.values[i]));
  }
  for (size_t g = 0; g < scale.size(); ++g) EXPECT_NEAR(scale[g], largest[g] / 127, largest[g] / 127 * 0.02f) << g;
}

TEST(Job, PerOutputChannelOfAMatrixRunsAlongTheFirstAxis) {
  const Fixture f({96, 40});
  QuantJob job;
  job.layout.channel_axes = {1};
  const auto result = f.write(f.quantized(job, {96, 40}, DType::kInt8), {});
  expect_int8_codes(f, result.model_path, [](size_t i) { return i % 40; });
}

TEST(Job, PerTensorIsStreamedWhereItIsLargerThanATile) {
  const Fixture f({50, 30});
  QuantJob job;
  WriteOptions small;
  small.tile_bytes = 256;
  const auto result = f.write(f.quantized(job, {50, 30}, DType::kInt8), small);
  expect_int8_codes(f, result.model_path, [](size_t) { return size_t{0}; });
}

TEST(Job, TwoChannelAxesAroundAReducedOne) {
  const Fixture f({2, 12, 20});
  QuantJob job;
  job.layout.channel_axes = {0, 2};
  const auto result = f.write(f.quantized(job, {2, 12, 20}, DType::kInt8), {});
  expect_int8_codes(f, result.model_path, [](size_t i) { return i / 240 * 20 + i % 20; });
}

TEST(Job, BlocksAlongTheFirstAxisOfAMatrix) {
  const Fixture f({70, 6});  // 32 + 32 + 6 rows
  QuantJob job;
  job.layout = {.channel_axes = {1}, .block_axis = 0, .block_size = 32};
  WriteOptions small;
  small.tile_bytes = 128;
  const auto result = f.write(f.quantized(job, {70, 6}, DType::kInt8), small);
  expect_int8_codes(f, result.model_path, [](size_t i) { return i / 6 / 32 * 6 + i % 6; });
}

TEST(Job, RowsOfMatMulNBitsArePaddedWithTheZeroPoint) {
  const Fixture f({5, 40});  // blocks of 32: 32 + 8
  QuantJob job;
  job.spec.code_type = DType::kInt4;
  job.layout = {.channel_axes = {0}, .block_axis = 1, .block_size = 32};
  job.pad_last_axis_to = 64;
  job.code_xor = 0x08;
  const auto result = f.write(f.quantized(job, {5, 2, 16}, DType::kUint8), {});
  const auto codes = tensor_bytes(result.model_path, "w_codes");
  const auto scale = tensor_floats(result.model_path, "w_scale");
  ASSERT_EQ(codes.size(), 5u * 32);
  ASSERT_EQ(scale.size(), 10u);
  for (size_t r = 0; r < 5; ++r) {
    for (size_t c = 0; c < 64; ++c) {
      const int code = nibble(codes, r * 64 + c);
      if (c >= 40) {
        EXPECT_EQ(code, 8);
        continue;
      }
      const float s = scale[r * 2 + c / 32];
      EXPECT_LE(std::abs(f.values[r * 40 + c] - s * static_cast<float>(code - 8)), s * 1.0f) << r << "," << c;
    }
  }
}

TEST(Job, AsymmetricZeroPointsArePackedPerRow) {
  const Fixture f({3, 96});
  QuantJob job;
  job.spec = {.code_type = DType::kUint4, .symmetry = Symmetry::kAsymmetric};
  job.layout = {.channel_axes = {0}, .block_axis = 1, .block_size = 32};
  job.zero_point_packing = QuantJob::ZeroPointPacking::kNibblesPerRow;
  const auto result = f.write(f.quantized(job, {3, 3, 16}, DType::kUint8, Shape{3, 2}), {});
  const auto codes = tensor_bytes(result.model_path, "w_codes"), zero = tensor_bytes(result.model_path, "w_zero");
  const auto scale = tensor_floats(result.model_path, "w_scale");
  ASSERT_EQ(zero.size(), 6u);
  for (size_t i = 0; i < f.values.size(); ++i) {
    const size_t row = i / 96, block = i % 96 / 32;
    const int z = nibble(zero, row * 4 + block);
    const float s = scale[row * 3 + block];
    EXPECT_LE(std::abs(f.values[i] - s * static_cast<float>(nibble(codes, i) - z)), s * 1.01f) << i;
  }
}

TEST(Job, HalfScalesAreStoredExactlyAndCodesFitThem) {
  const Fixture f({8, 64});
  QuantJob job;
  job.spec.scale_type = ScaleType::kFloat16;
  job.layout.channel_axes = {0};
  const auto result = f.write(f.quantized(job, {8, 64}, DType::kInt8), {});
  const auto codes = tensor_bytes(result.model_path, "w_codes"), halves = tensor_bytes(result.model_path, "w_scale");
  for (size_t i = 0; i < codes.size(); ++i) {
    uint16_t bits;
    std::memcpy(&bits, &halves[i / 64 * 2], 2);
    const float s = half_to_float(bits);
    EXPECT_LE(std::abs(f.values[i] - s * static_cast<float>(std::to_integer<int8_t>(codes[i]))), s * 0.5001f) << i;
  }
}

TEST(Job, LogScalesAreStoredAsCodesOfTheGrid) {
  const Fixture f({8, 64});
  QuantJob job;
  job.spec.scale_type = ScaleType::kLog8;
  job.layout = {.channel_axes = {0}, .block_axis = 1, .block_size = 32};
  const auto result = f.write(f.quantized(job, {8, 64}, DType::kInt8), {});
  const auto codes = tensor_bytes(result.model_path, "w_codes"), scale = tensor_bytes(result.model_path, "w_scale");
  ASSERT_EQ(scale.size(), 16u);
  for (size_t i = 0; i < codes.size(); ++i) {
    const float s = log8_grid()[std::to_integer<size_t>(scale[i / 32])];
    EXPECT_LE(std::abs(f.values[i] - s * static_cast<float>(std::to_integer<int8_t>(codes[i]))), s * 0.5001f) << i;
  }
}

TEST(Job, NeitherTilesNorThreadsChangeAByte) {
  const Fixture f({130, 66}, 5);
  const std::vector<std::pair<ScaleLayout, DType>> cases = {
      {{}, DType::kInt8},
      {{.channel_axes = {1}}, DType::kInt8},
      {{.channel_axes = {0}}, DType::kInt4},
      {{.channel_axes = {1}}, DType::kInt4},
      {{.channel_axes = {1}, .block_axis = 0, .block_size = 16}, DType::kInt8},
      {{.channel_axes = {0}, .block_axis = 1, .block_size = 16}, DType::kInt4},
      {{.channel_axes = {0}, .block_axis = 1, .block_size = 32}, DType::kUint8},
  };
  for (const auto& [layout, type] : cases) {
    for (const char* algorithm : {"rtn", "mse"}) {
      QuantJob job;
      job.layout = layout;
      job.spec.code_type = type;
      job.spec.algorithm = algorithm;
      const Emitted emitted = f.quantized(job, {130, 66}, type);
      WriteOptions reference;
      reference.threads = 1;
      reference.tile_bytes = 16u << 20;
      const std::string expected = f.write(emitted, reference).model_digest;
      for (const uint64_t tile : {512u, 4096u}) {
        for (const int threads : {1, 4}) {
          WriteOptions options;
          options.threads = threads;
          options.tile_bytes = tile;
          EXPECT_EQ(f.write(emitted, options).model_digest, expected)
              << algorithm << " tile " << tile << " threads " << threads;
        }
      }
    }
  }
}

// A weight stored as [depth, channels] and worked as [channels, depth] gives what the same weight stored the other way does.
TEST(Job, ATransposedWeightGivesTheSameBlocksAsAPlainOne) {
  constexpr int64_t kDepth = 70, kChannels = 300;  // blocks of 16: 4 and a ragged one of 6
  constexpr int64_t kSwapped[] = {1, 0};
  const Fixture stored({kDepth, kChannels}, 9);
  Fixture plain({2, 2});
  std::vector<float> turned(stored.values.size());
  for (size_t i = 0; i < turned.size(); ++i) {
    turned[i % kChannels * kDepth + i / kChannels] = stored.values[i];
  }
  TestModel built;
  built.main().input("x", kFloat, {1}).output("y", kFloat, {1}).floats("w", {kChannels, kDepth}, turned);
  built.main().node("Identity", {"x"}, {"y"}, "pass");
  plain.load(plain.folder.write("turned.onnx", built));
  for (const DType type : {DType::kInt4, DType::kUint4, DType::kInt8}) {
    for (const int64_t padded : {int64_t{0}, int64_t{80}}) {
      QuantJob job;
      job.spec.code_type = type;
      job.spec.symmetry = type == DType::kUint4 ? Symmetry::kAsymmetric : Symmetry::kSymmetric;
      job.spec.algorithm = "mse";
      job.layout = {.channel_axes = {0}, .block_axis = 1, .block_size = 16};
      job.pad_last_axis_to = padded;
      job.code_xor = type == DType::kInt4 ? 0x08 : 0;
      const int64_t wide = std::max(kDepth, padded), bytes = type == DType::kInt8 ? wide : wide / 2;
      const auto written = [&](const Fixture& f, const TensorView& view, uint64_t tile) {
        QuantJob own = job;
        own.source = view;
        WriteOptions options;
        options.tile_bytes = tile;
        const auto result = f.write(f.quantized(own, {kChannels, bytes}, DType::kUint8, Shape{kChannels, 5}), options);
        auto all = tensor_bytes(result.model_path, "w_codes");
        for (const char* name : {"w_scale", "w_zero"}) {
          const auto more = tensor_bytes(result.model_path, name);
          all.insert(all.end(), more.begin(), more.end());
        }
        return all;
      };
      const auto expected = written(plain, plain.view, 16u << 20);
      for (const uint64_t tile : {512u, 20000u, 512u << 10}) {
        EXPECT_EQ(written(stored, stored.view.transposed(kSwapped), tile), expected) << tile << " " << padded;
        EXPECT_EQ(written(plain, plain.view, tile), expected) << tile << " " << padded;
      }
    }
  }
}

TEST(Job, MeasuredDistortionIsThatOfTheStoredCodes) {
  const Fixture f({64, 64});
  QuantJob job;
  job.layout.channel_axes = {0};
  WriteOptions options;
  options.measure = Measure::kYes;
  const auto result = f.write(f.quantized(job, {64, 64}, DType::kInt8), options);
  const auto codes = tensor_bytes(result.model_path, "w_codes");
  const auto scale = tensor_floats(result.model_path, "w_scale");
  double signal = 0, noise = 0;
  for (size_t i = 0; i < codes.size(); ++i) {
    const double back = static_cast<double>(scale[i / 64]) * std::to_integer<int8_t>(codes[i]);
    signal += static_cast<double>(f.values[i]) * f.values[i];
    noise += (f.values[i] - back) * (f.values[i] - back);
  }
  ASSERT_EQ(result.tensors.size(), 1u);
  EXPECT_NEAR(result.tensors[0].sqnr_db, 10 * std::log10(signal / noise), 1e-3);
  EXPECT_GT(result.tensors[0].sqnr_db, 40);
  EXPECT_LT(result.tensors[0].sqnr_db, 60);
}

TEST(Job, ACopyThatDiffersStopsTheRun) {
  const Fixture f({16, 16}, 3, true);
  QuantJob job;
  job.layout.channel_axes = {0};
  job.proven_equal = {f.view_of("v")};
  try {
    f.write(f.quantized(job, {16, 16}, DType::kInt8), {});
    FAIL() << "a false tie was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_NE(std::string(error.what()).find("but they differ"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(f.folder.path() / "out.onnx"));
}

TEST(Job, NanInAWeightNamesTheTensor) {
  Fixture f({16, 16});
  TestModel built;
  std::vector<float> values = random_floats(512, 1);
  values[77] = std::nanf("");
  built.main().input("x", kFloat, {1}).output("y", kFloat, {1}).floats("w", {16, 32}, values);
  built.main().node("Identity", {"x"}, {"y"}, "pass");
  f.load(f.folder.write("nan.onnx", built));
  QuantJob job;
  job.layout.channel_axes = {0};
  try {
    f.write(f.quantized(job, {16, 32}, DType::kInt8), {});
    FAIL() << "NaN was quantized";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_EQ(error.where(), "w");
  }
}

TEST(Job, HalvesCountWhatOverflowsAndUnderflows) {
  Fixture f({4, 4});
  TestModel built;
  std::vector<float> values(512, 1.0f);
  values[0] = 1e6f;
  values[1] = -1e6f;
  values[2] = 1e-9f;
  built.main().input("x", kFloat, {1}).output("y", kFloat, {1}).floats("w", {512}, values);
  built.main().node("Identity", {"x"}, {"y"}, "pass");
  f.load(f.folder.write("half.onnx", built));
  Emitted out = f.emitted();
  Fixture::declare(out, {.name = "w_half",
                         .dtype = DType::kFloat16,
                         .shape = {512},
                         .kind = RecipeKind::kHalves,
                         .job = -1,
                         .source = f.view,
                         .proven_equal = {}});
  const auto result = f.write(out, {});
  ASSERT_EQ(result.tensors.size(), 1u);
  EXPECT_EQ(result.tensors[0].halves.overflowed, 2u);
  EXPECT_EQ(result.tensors[0].halves.underflowed, 1u);
  const auto halves = tensor_bytes(result.model_path, "w_half");
  uint16_t first;
  std::memcpy(&first, halves.data(), 2);
  EXPECT_EQ(half_to_float(first), 65504.0f);
}

}  // namespace
}  // namespace vetquant::test
