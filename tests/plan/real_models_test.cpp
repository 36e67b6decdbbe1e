// Models made by others; skipped where VETQUANT_REAL_MODELS is not set.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "plan_fixture.h"
#include "vetquant/plan/describe.h"
#include "vetquant/plan/ties.h"

namespace vetquant::test {
namespace {

namespace fs = std::filesystem;

struct Loaded {
  explicit Loaded(const fs::path& path)
      : model(Model::load(path)), index(model->skeleton()), constants(*model, index) {}
  Plan plan(const std::string& preset, const std::string& target = "ort-cpu") const {
    return make_plan(*model, index, constants, load_policy(preset), load_target(target), {});
  }
  std::shared_ptr<const Model> model;
  GraphIndex index;
  ConstantFinder constants;
};

class RealModels : public testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("VETQUANT_REAL_MODELS");
    if (folder == nullptr) GTEST_SKIP() << "VETQUANT_REAL_MODELS is not set";
    folder_ = folder;
  }
  std::vector<fs::path> models() const {
    std::vector<fs::path> paths;
    for (const char* part : {"trained", "structure", "whisper_tiny_en"}) {
      for (const auto& entry : fs::directory_iterator(folder_ / part)) {
        if (entry.path().extension() == ".onnx") paths.push_back(entry.path());
      }
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  fs::path folder_;
};

TEST_F(RealModels, EveryPresetPlansEveryModel) {
  for (const fs::path& path : models()) {
    const Loaded loaded(path);
    for (const Preset& preset : presets()) {
      for (const char* target : {"ort-cpu-vnni", "ort-cpu-avx2"}) {
        SCOPED_TRACE(path.filename().string() + " " + preset.name + " " + target);
        Plan plan;
        ASSERT_NO_THROW(plan = loaded.plan(preset.name, target));
        const PlanTotals sums = totals(plan);
        EXPECT_LE(sums.bytes_after, sums.bytes_before);
        EXPECT_FALSE(plan.changes_nothing() && plan.kept.empty() && plan.notes.empty());  // never silent
      }
    }
  }
}

TEST_F(RealModels, WhispersTableIsTiedToItsHead) {
  const Loaded loaded(folder_ / "whisper_tiny_en" / "decoder_model_merged.onnx");
  const auto ties = find_ties(loaded.index, loaded.constants);
  EXPECT_TRUE(
      std::any_of(ties.begin(), ties.end(), [](const TiedTensor& tied) { return tied.looked_up && tied.multiplied; }));
  for (const char* preset : {"int8", "int4", "hybrid"}) {
    const Plan plan = loaded.plan(preset);
    const auto table = std::max_element(plan.tensors.begin(), plan.tensors.end(),
                                        [](const auto& a, const auto& b) { return a.elements < b.elements; });
    ASSERT_NE(table, plan.tensors.end());
    EXPECT_EQ(table->elements, 51864u * 384u);
    EXPECT_EQ(table->form, Form::kMatMulNBits) << preset;
    EXPECT_EQ(table->view.shape(), (Shape{51864, 384}));
    EXPECT_GE(table->uses.size(), 4u);  // look-up and head, in both branches
  }
}

TEST_F(RealModels, WhisperGetsAsSmallAsItShould) {
  const Loaded decoder(folder_ / "whisper_tiny_en" / "decoder_model_merged.onnx"),
      encoder(folder_ / "whisper_tiny_en" / "encoder_model.onnx");
  const auto share = [](const Loaded& loaded, const std::string& preset) {
    const PlanTotals sums = totals(loaded.plan(preset));
    return 100.0 * static_cast<double>(sums.bytes_after + sums.kept_bytes) /
           static_cast<double>(sums.bytes_before + sums.kept_bytes);
  };
  EXPECT_LT(share(decoder, "int8"), 25.5);
  EXPECT_GT(share(decoder, "int8"), 25.0);
  EXPECT_LT(share(decoder, "int4"), 16);
  EXPECT_LT(share(encoder, "int8"), 25.5);
  EXPECT_LT(share(encoder, "int4"), 17);
}

TEST_F(RealModels, TheEncoderSeesManyRows) {
  const Loaded loaded(folder_ / "whisper_tiny_en" / "encoder_model.onnx");
  const Plan plan = loaded.plan("int8");
  const auto dynamic = std::count_if(plan.nodes.begin(), plan.nodes.end(),
                                     [](const auto& node) { return node.form == Form::kDynamicInteger; });
  EXPECT_EQ(dynamic, 24);  // 4 layers of q, k, v, out, fc1, fc2
}

TEST_F(RealModels, SilerosLstmWeightsAreFound) {
  const Loaded loaded(folder_ / "trained" / "silero_vad.onnx");
  const Plan plan = loaded.plan("int8");
  EXPECT_EQ(std::count_if(plan.nodes.begin(), plan.nodes.end(),
                          [](const auto& node) { return node.form == Form::kDynamicLstm; }),
            4);
}

}  // namespace
}  // namespace vetquant::test
