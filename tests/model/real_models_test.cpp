// Every model of VETQUANT_REAL_MODELS: it loads, every weight can be read, and what is read is what ONNX's own Python
// package reads. The checksums are zlib.crc32(numpy_helper.to_array(tensor).tobytes()) with onnx 1.23.2.
#include <array>
#include <cstdlib>
#include <filesystem>

#include "load_fixture.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;

uint32_t crc32_of(std::span<const std::byte> data) {
  uint32_t crc = ~0u;
  for (const std::byte byte : data) {
    crc ^= static_cast<uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
  }
  return ~crc;
}

class RealModels : public testing::Test {
 protected:
  void SetUp() override {
    const char* root = std::getenv("VETQUANT_REAL_MODELS");
    if (root == nullptr) GTEST_SKIP() << "VETQUANT_REAL_MODELS is not set";
    root_ = root;
  }

  std::vector<fs::path> all() const {
    std::vector<fs::path> paths;
    for (const char* folder : {"trained", "structure", "whisper_tiny_en"}) {
      for (const auto& entry : fs::directory_iterator(root_ / folder)) {
        if (entry.path().extension() == ".onnx") paths.push_back(entry.path());
      }
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }

  fs::path root_;
};

TEST_F(RealModels, AllLoadAndEveryWeightCanBeRead) {
  const auto paths = all();
  EXPECT_GE(paths.size(), 38u);
  for (const auto& path : paths) {
    SCOPED_TRACE(path);
    const auto model = Model::load(path);
    const GraphIndex index(model->skeleton());
    const ConstantFinder constants(*model, index);
    EXPECT_LT(model->skeleton().ByteSizeLong(), 300'000u);
    std::vector<std::byte> tile;
    for (size_t v = 0; v < index.values().size(); ++v) {
      const auto view = constants.find(ValueId{static_cast<int32_t>(v)});
      if (!view) continue;
      constexpr uint64_t kTile = 1 << 18;
      for (uint64_t done = 0; done < view->elements(); done += kTile) {
        const uint64_t now = std::min(kTile, view->elements() - done);
        tile.resize(bytes_of(view->dtype(), now));
        read_raw(*view, done, now, tile);
      }
    }
    EXPECT_EQ(infer_types(index).size(), index.values().size());
  }
}

TEST_F(RealModels, AreValidForOnnxUnlessTheyUseContribOperators) {
  for (const auto& path : all()) {
    const auto complaint = checker_complaint(*Model::load(path));
    // BeamSearch models leave the domain of their subgraphs' operators out of the imports.
    EXPECT_TRUE(!complaint || path.filename().string().starts_with("tiny_gpt2_beamsearch"))
        << path << ": " << *complaint;
  }
}

struct Golden {
  const char* file;
  const char* address;
  DType dtype;
  Shape shape;
  uint32_t crc32;
};

TEST_F(RealModels, ReadsWhatOnnxReads) {
  const std::vector<Golden> goldens = {
      {"whisper_tiny_en/decoder_model_merged.onnx",
       "model.decoder.embed_tokens.weight_merged_0",
       DType::kFloat32,
       {51864, 384},
       0x93341dbc},
      {"whisper_tiny_en/decoder_model_merged.onnx",
       "onnx::MatMul_932_merged_0",
       DType::kFloat32,
       {384, 1536},
       0x22ff2161},
      {"trained/magika.onnx",
       "jax2tf_get_logits_/pjit_get_logits_/MagikaV2/Conv_0/transpose_3:0",
       DType::kFloat32,
       {512, 256, 5, 1},
       0x094d6104},
      {"trained/magika.onnx", "jax2tf_get_logits_/Const_24:0", DType::kFloat32, {512, 214}, 0xc6fc4338},
      {"trained/mnist_opset8.onnx", "Parameter87", DType::kFloat32, {16, 8, 5, 5}, 0x4cf6e75d},
      {"structure/gpt2_fp16_past.onnx", "transformer.wte.weight", DType::kFloat16, {1000, 32}, 0x5431e1b8},
      {"structure/multi_external_files.onnx", "weight", DType::kFloat32, {4, 4}, 0x9f4dce9e},
      {"structure/multi_external_files.onnx", "bias", DType::kFloat32, {4}, 0xa82d7e26},
      {"structure/external_data_offset.onnx", "const", DType::kFloat32, {2, 3}, 0x1939e524},
      {"structure/conv_qdq_external_ini.onnx", "conv1.weight_quantized", DType::kUint8, {32, 3, 3, 3}, 0xb8120d03},
      {"structure/already_qdq16.onnx", "const_fold_opt__428_quantized", DType::kUint16, {128, 32, 3, 3}, 0x5331f57d},
      {"structure/bidirectional_lstm_opset9.onnx", "191", DType::kFloat32, {2, 512, 128}, 0x23fcced0},
      {"trained/ppocrv3_det.onnx", "conv2d_65.w_0", DType::kFloat32, {96, 480, 1, 1}, 0x5299e20f},
      {"trained/silero_vad.onnx",
       "/If_0/else_branch/If_0_else_branch__Inline_0__decoder.rnn.weight_ih",
       DType::kFloat32,
       {512, 128},
       0x8982c444},
      {"trained/silero_vad.onnx",
       "/If_0/then_branch/If_0_then_branch__Inline_0__stft.forward_basis_buffer",
       DType::kFloat32,
       {258, 1, 256},
       0x36bc3e69},
  };
  for (const auto& golden : goldens) {
    SCOPED_TRACE(std::string(golden.file) + " " + golden.address);
    const auto model = Model::load(root_ / golden.file);
    const GraphIndex index(model->skeleton());
    const ConstantFinder constants(*model, index);
    const auto view = constants.find(index.find_value(golden.address));
    ASSERT_TRUE(view);
    EXPECT_EQ(view->dtype(), golden.dtype);
    EXPECT_EQ(view->shape(), golden.shape);
    std::vector<std::byte> bytes(bytes_of(view->dtype(), view->elements()));
    read_raw(*view, 0, view->elements(), bytes);
    EXPECT_EQ(crc32_of(bytes), golden.crc32);
  }
}

TEST_F(RealModels, SilerosLstmWeightsAreSeenThroughTheirChains) {
  const auto model = Model::load(root_ / "trained/silero_vad.onnx");
  const GraphIndex index(model->skeleton());
  const ConstantFinder constants(*model, index);
  int weights = 0, lstms = 0;
  for (const auto& node : index.nodes()) {
    if (node.proto->op_type() != "LSTM") continue;
    ++lstms;
    for (const size_t input : {1, 2, 3}) {
      const auto view = constants.find(node.inputs[input]);
      ASSERT_TRUE(view) << node.address << " input " << input;
      weights += view->pieces().empty() ? 0 : 1;
    }
  }
  EXPECT_EQ(lstms, 4);
  EXPECT_EQ(weights, 12);
}

}  // namespace
}  // namespace vetquant
