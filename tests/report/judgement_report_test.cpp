#include "vetquant/report/judgement_report.h"

#include <gtest/gtest.h>

#include <sstream>
#include <tuple>

#include "vetquant/report/comparison_report.h"

namespace vetquant {
namespace {

Judgement classified() {
  Judgement judgement;
  judgement.set_name = "langid-test";
  judgement.task = "classification";
  judgement.unit = "clip";
  judgement.samples = judgement.steps = 1759;
  judgement.clusters = 96;
  judgement.labels = {"cs", "de"};
  judgement.runtime_version = "1.32.0";
  judgement.session = "2 threads, all optimizations";
  judgement.warm_up_runs = 3;
  judgement.timed_rounds = 20;
  judgement.resamples = 2000;
  judgement.confidences_pct = {95};
  judgement.models.resize(3);
  judgement.models[0].name = "langid";
  judgement.models[1].name = "langid-int8";
  judgement.models[2].name = "langid-broken";
  judgement.models[2].failure = "the judged process ended by signal 11 (Segmentation fault), while running";
  for (size_t m = 0; m < 2; ++m) {
    auto& model = judgement.models[m];
    Metric top1{"top1",
                "",
                "%",
                Better::kHigher,
                {98.41 - static_cast<double>(m), {{95, {97.7, 98.9}}}, "Clopper-Pearson", true},
                {},
                {}};
    Metric f1{"macro_f1", "", "%", Better::kHigher, {98.40, {{95, {97.6, 98.9}}}, "BCa over 96 clusters", true},
              {},         {}};
    Metric bytes{"file_bytes", "", "B", Better::kLower, {m ? 0.5e6 : 2e6, {}, "a count", false}, {}, {}};
    Metric time{
        "latency_ms", "", "ms", Better::kLower, {m ? 10.0 : 14.2, {{95, {9.1, 15.0}}}, "median of 20 runs", true},
        {},           {}};
    if (m) {
      top1.difference = Estimate{-1, {{95, {-1.5, -0.4}}}, "Tango", true};
      f1.difference = Estimate{0, {{95, {-0.2, 0.2}}}, "BCa", true};
      bytes.difference = Estimate{-1.5e6, {}, "a count", false};
      derive_ratio(bytes, 2e6);
      time.ratio = Estimate{0.704, {}, "median", true};
    }
    model.metrics = {top1, f1, bytes, time};
    model.confusion = {{5, 1}, {0, 6}};
    model.operators = {{"Conv", 4}, {"com.microsoft:MatMulNBits", 7}};
  }
  return judgement;
}

std::vector<GateResult> gates() {
  return {{parse_gate("top1>=-0.5"), 1, false, -1, -1.5, "top1: value -1, lower bound -1.5 at 95 %"},
          {parse_gate("file_bytes<=1MB"), 1, true, 5e5, 5e5, "file_bytes: value 500000"}};
}

TEST(JudgementText, ShowsFiguresIntervalsFailuresAndGates) {
  const std::string text = judgement_text(classified(), gates());
  EXPECT_EQ(text,
            "langid-test: classification, 1759 clips in 96 clusters; resampled are clusters\n"
            "ONNX Runtime 1.32.0, 2 threads, all optimizations; latency: median of 20 interleaved rounds (ABBA)\n"
            "  after 3 warm-up runs\n"
            "\n"
            "FAILED  langid-broken: the judged process ended by signal 11 (Segmentation fault), while running\n"
            "\n"
            "model        top-1 %          95 %  change            95 %  macro F1  change           95 %\n"
            "langid         98.41  [97.7, 98.9]                             98.40\n"
            "langid-int8    97.41  [97.7, 98.9]   -1.00  [-1.50, -0.40]     98.40    0.00  [-0.20, 0.20]\n"
            "\n"
            "model                  size   share  load ms  run ms           95 %  speed  settled  peak\n"
            "langid (baseline)    2.0 MB                -   14.20  [9.10, 15.00]               -     -\n"
            "langid-int8        500.0 kB  25.0 %        -   10.00  [9.10, 15.00]  1.42x        -     -\n"
            "langid-broken             -       -        -       -              -      -        -     -\n"
            "\n"
            "What the runtime made of the graphs (operators after its optimizations):\n"
            "  langid: com.microsoft:MatMulNBits 7, Conv 4\n"
            "  langid-int8: com.microsoft:MatMulNBits 7, Conv 4\n"
            "\n"
            "FAILED  langid-int8  top1>=-0.5  (top1: value -1, lower bound -1.5 at 95 %)\n"
            "passed  langid-int8  file_bytes<=1MB  (file_bytes: value 500000)\n");
}

TEST(JudgementText, FitsAHundredColumns) {
  Judgement judgement = classified();
  judgement.models[1].name = std::string(200, 'n');
  judgement.models[0].operators_note = std::string(80, 'x') + " " + std::string(80, 'y');
  std::istringstream lines(judgement_text(judgement, {}, Detail::kFull));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 102U) << line;  // the ellipsis has 3 bytes
}

TEST(JudgementText, TellsRecallByClassAndCalibrationInFull) {
  Judgement judgement = classified();
  for (ModelResult& model : judgement.models) {
    if (!model.failure.empty()) continue;
    for (const auto& [key, output, value] : {std::tuple("recall", "de", 93.75), std::tuple("ece", "", 3.5)}) {
      Metric metric;
      metric.key = key;
      metric.output = output;
      metric.value.value = value;
      model.metrics.push_back(metric);
    }
  }
  const std::string text = judgement_text(judgement, {}, Detail::kFull);
  const size_t at = text.find("recall %");
  ASSERT_NE(at, std::string::npos);
  const size_t row = text.find("\nde ", at), error = text.find("\ncalibration error ", row);
  ASSERT_NE(row, std::string::npos);
  ASSERT_NE(error, std::string::npos);
  EXPECT_NE(text.substr(row, error - row).find(" 93.75"), std::string::npos);
  EXPECT_NE(text.substr(error).find(" 3.50"), std::string::npos);
  EXPECT_EQ(judgement_text(judgement, {}, Detail::kShort).find("recall %"), std::string::npos);
}

TEST(JudgementJson, IsOneDocumentWithASchema) {
  const auto json = judgement_json(classified(), gates());
  EXPECT_EQ(json["schema"], "vetquant.eval/1");
  EXPECT_EQ(json["baseline"], "langid");
  EXPECT_EQ(json["test_set"]["samples"], 1759);
  EXPECT_EQ(json["models"][1]["metrics"][0]["difference"]["intervals"][0]["low"], -1.5);
  EXPECT_EQ(json["models"][2]["status"], "failed");
  EXPECT_EQ(json["models"][0]["operators_after_optimization"]["Conv"], 4);
  EXPECT_EQ(json["gates"][0]["passed"], false);
  EXPECT_EQ(json["passed"], false);
}

TEST(AllIsWell, NeedsEveryGateAndEveryModel) {
  Judgement judgement = classified();
  EXPECT_FALSE(all_is_well(judgement, {}));
  judgement.models.pop_back();
  EXPECT_TRUE(all_is_well(judgement, {}));
  EXPECT_FALSE(all_is_well(judgement, gates()));
}

TEST(ComparisonText, ShowsTheWorstWeightsFirst) {
  Comparison comparison{"a.onnx",
                        "b.onnx",
                        {{{"good", "folded, 8 bits", {2, 3}, 6, 40, 0.001, 0.0005, 1},
                          {"bad", "MatMulNBits, 4 bits, block 32", {4}, 4, 18.25, 0.1, 0.05, 1}},
                         {"x_codes: odd"}},
                        std::nullopt};
  EXPECT_EQ(comparison_text(comparison, 1),
            "weight  stored                         shape  SQNR dB  max error  max weight\n"
            "bad     MatMulNBits, 4 bits, block 32  4         18.2        0.1           1\n"
            "  and 1 weights that are closer (-v shows all)\n"
            "not compared: x_codes: odd\n\n");
  const auto json = comparison_json(comparison);
  EXPECT_EQ(json["schema"], "vetquant.compare/1");
  EXPECT_EQ(json["weights"][0]["name"], "good");
  EXPECT_EQ(json.count("outputs"), 0U);
}

}  // namespace
}  // namespace vetquant
