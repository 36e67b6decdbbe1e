#include "vetquant/eval/judge.h"

#include <gtest/gtest.h>

#include "eval/npz_support.h"
#include "runtime/support.h"
#include "vetquant/core/error.h"
#include "vetquant/core/interrupt.h"

namespace vetquant {
namespace {

using test::npy;
using test::npz;
using test::TempFolder;

JudgeOptions options_for(std::vector<std::filesystem::path> models) {
  JudgeOptions options;
  options.models = std::move(models);
  options.runtime_library = find_runtime_library();
  options.worker = test::worker_program();
  options.timed_rounds = 6;
  options.statistics.resamples = 200;
  return options;
}

std::vector<float> shifted_weights(float by) {
  std::vector<float> weights = test::plain_weights();
  for (float& weight : weights) weight += by;
  return weights;
}

std::filesystem::path write_inputs(const TempFolder& folder) {
  return folder.write("in.npz", npz({{"x", npy<float>("<f4", "6, 4", test::random_floats(24, 1))}}));
}

TEST(Judge, ComparesOutputsOfTwoModels) {
  TempFolder folder;
  const auto base = folder.write("base.onnx", test::linear_model(test::plain_weights()));
  const auto other = folder.write("other.onnx", test::linear_model(shifted_weights(0.01F)));
  const Judgement judgement = judge(load_test_set(write_inputs(folder)), options_for({base, other}));
  ASSERT_EQ(judgement.models.size(), 2U);
  EXPECT_EQ(judgement.samples, 6U);
  EXPECT_EQ(judgement.models[0].failure, "");
  EXPECT_EQ(find_metric(judgement.models[0], "sqnr_db"), nullptr);
  const Metric* y = find_metric(judgement.models[1], "sqnr_db", "y");
  ASSERT_NE(y, nullptr);
  EXPECT_GT(y->value.value, 20);
  EXPECT_LT(y->value.value, 70);
  EXPECT_TRUE(y->value.at(95));
  EXPECT_EQ(find_metric(judgement.models[1], "sqnr_db", "sum")->value.value, 200);
  const Metric* latency = find_metric(judgement.models[1], "latency_ms");
  ASSERT_NE(latency, nullptr);
  EXPECT_GT(latency->value.value, 0);
  EXPECT_TRUE(latency->difference);
  EXPECT_TRUE(latency->value.at(95));
  EXPECT_EQ(
      find_metric(judgement.models[1], "file_bytes")->difference->value,
      static_cast<double>(std::filesystem::file_size(other)) - static_cast<double>(std::filesystem::file_size(base)));
  EXPECT_TRUE(find_metric(judgement.models[0], "peak_bytes"));
  EXPECT_EQ(judgement.models[0].operators.at("MatMul"), 1U);
}

TEST(Judge, TheBaselineMayStandAnywhere) {
  TempFolder folder;
  const auto base = folder.write("base.onnx", test::linear_model(test::plain_weights()));
  const auto other = folder.write("other.onnx", test::linear_model(shifted_weights(0.01F)));
  JudgeOptions options = options_for({other, base});
  options.baseline = 1;
  options.timed_rounds = 0;
  const Judgement judgement = judge(load_test_set(write_inputs(folder)), options);
  EXPECT_TRUE(find_metric(judgement.models[0], "sqnr_db"));
  EXPECT_TRUE(find_metric(judgement.models[0], "file_bytes")->difference);
  EXPECT_FALSE(find_metric(judgement.models[1], "file_bytes")->difference);
  EXPECT_FALSE(find_metric(judgement.models[1], "latency_ms"));
}

TEST(Judge, ClassifiesAndComparesPairs) {
  TempFolder folder;
  const auto base = folder.write("base.onnx", test::linear_model(test::plain_weights()));
  const auto other = folder.write(
      "other.onnx", test::linear_model(std::vector<float>{1, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1}));  // never says class 1
  folder.write("d.npz", npz({{"x", npy<float>("<f4", "4, 4", {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0})},
                             {"t", npy<int64_t>("<i8", "4,", {0, 1, 2, 1})}}));
  const auto set = folder.write(
      "set.yaml",
      "version: 1\ntask: classification\ninputs: {x: 'd.npz#x'}\ntruth: 'd.npz#t'\nscores: y\nlabels: [a, b, c]\n");
  const Judgement judgement = judge(load_test_set(set), options_for({base, other}));
  EXPECT_EQ(find_metric(judgement.models[0], "top1")->value.value, 100);
  EXPECT_EQ(find_metric(judgement.models[1], "top1")->value.value, 50);
  EXPECT_EQ(find_metric(judgement.models[1], "top1")->difference->value, -50);
  EXPECT_EQ(judgement.models[1].confusion[1][0], 2U);
}

TEST(Judge, AModelThatDoesNotLoadIsAResultAndTheOthersGoOn) {
  TempFolder folder;
  const auto base = folder.write("base.onnx", test::linear_model(test::plain_weights()));
  const auto broken = folder.write("broken.onnx", "no model");
  const auto other = folder.write("other.onnx", test::linear_model(shifted_weights(0.01F)));
  const Judgement judgement = judge(load_test_set(write_inputs(folder)), options_for({base, broken, other}));
  EXPECT_EQ(judgement.models[0].failure, "");
  EXPECT_NE(judgement.models[1].failure.find("ONNX Runtime says"), std::string::npos) << judgement.models[1].failure;
  EXPECT_TRUE(find_metric(judgement.models[1], "file_bytes"));
  EXPECT_TRUE(find_metric(judgement.models[2], "sqnr_db"));
}

TEST(Judge, CrashesOfAllAreResultsToo) {
  TempFolder folder;
  const auto base = folder.write("base.onnx", test::linear_model(test::plain_weights()));
  JudgeOptions options = options_for({base, base});
  options.worker = test::worker_program("abort");
  const Judgement judgement = judge(load_test_set(write_inputs(folder)), options);
  for (const ModelResult& model : judgement.models) {
    EXPECT_NE(model.failure.find("signal 6"), std::string::npos) << model.failure;
  }
  EXPECT_EQ(judgement.models[0].name, base.string());  // equal stems are told apart by their paths
}

TEST(Judge, AnotherOutputShapeIsAResult) {
  TempFolder folder;
  const auto base = folder.write("base.onnx", test::linear_model(test::plain_weights()));
  test::TestModel other;
  other.main()
      .input("x", test::kFloat, {-1, 4})
      .output("y", test::kFloat, {-1, 4})
      .output("sum", test::kFloat, {-1, 4});
  other.main().node("Neg", {"x"}, {"y"}, "n");
  other.main().node("Add", {"x", "x"}, {"sum"}, "a");
  const Judgement judgement =
      judge(load_test_set(write_inputs(folder)), options_for({base, folder.write("other.onnx", other)}));
  EXPECT_EQ(judgement.models[1].failure, "output 'y' is fp32[1, 4] where the baseline gives fp32[1, 3]");
}

TEST(Judge, ASetThatDoesNotFitTheBaselineIsAUsageError) {
  TempFolder folder;
  const auto base = folder.write("base.onnx", test::linear_model(test::plain_weights()));
  const auto set = folder.write("in.npz", npz({{"x", npy<float>("<f4", "2, 5", test::random_floats(10, 1))}}));
  try {
    judge(load_test_set(set), options_for({base}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_STREQ(error.what(), "input 'x': the test set gives fp32[5] where the model wants fp32[N, 4]");
  }
}

TEST(Judge, AMissingModelIsToldAtOnce) {
  TempFolder folder;
  try {
    judge(load_test_set(write_inputs(folder)), options_for({folder.path() / "none.onnx"}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
  }
}

TEST(Judge, StatesAreFedBackByEachModelItself) {
  TempFolder folder;
  const auto counter = [](float step) {
    test::TestModel model;
    model.main()
        .input("x", test::kFloat, {1})
        .input("h", test::kFloat, {1})
        .output("y", test::kFloat, {1})
        .output("h_out", test::kFloat, {1});
    model.main().floats("step", {1}, std::vector<float>{step});
    model.main().node("Add", {"h", "step"}, {"h_out"}, "count");
    model.main().node("Add", {"h_out", "x"}, {"y"}, "out");
    return model;
  };
  const auto base = folder.write("base.onnx", counter(1)), other = folder.write("other.onnx", counter(2));
  test::TestModel unused;
  folder.write("in.npz", npz({{"x", npy<float>("<f4", "1, 1", {0})}}));
  // Four windows of one sound of four samples.
  const auto set = folder.write("set.yaml",
                                "version: 1\ntask: tensors\ninputs: {x: {random: normal, deviation: 0}}\nstate: "
                                "{h_out: h}\nrandom: {samples: 2}\n");
  TestSet loaded = load_test_set(set);
  struct FourSteps : InputSource {
    std::optional<size_t> steps(size_t) override { return 4; }
    HostTensor tensor(size_t, size_t, const TensorInfo&) override { return make_floats({1}, {0}); }
  };
  loaded.inputs["x"] = std::make_shared<FourSteps>();
  const Judgement judgement = judge(loaded, options_for({base, other}));
  EXPECT_EQ(judgement.steps, 8U);
  // y: 1 2 3 4 against 2 4 6 8; states are not compared.
  EXPECT_EQ(find_metric(judgement.models[1], "max_error", "y")->value.value, 4);
  EXPECT_EQ(find_metric(judgement.models[1], "mean_error", "y")->value.value, 2.5);
  EXPECT_EQ(find_metric(judgement.models[1], "max_error", "h_out"), nullptr);
}

TEST(Judge, InterruptionUnwinds) {
  TempFolder folder;
  const auto base = folder.write("base.onnx", test::linear_model(test::plain_weights()));
  const TestSet set = load_test_set(write_inputs(folder));
  interrupt::request();
  try {
    judge(set, options_for({base}));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInterrupted);
  }
  interrupt::clear();
}

}  // namespace
}  // namespace vetquant
