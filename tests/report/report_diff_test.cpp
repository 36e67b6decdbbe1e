#include "vetquant/report/report_diff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "report/sample_report.h"
#include "support/error_of.h"

namespace vetquant {
namespace {

const DiffNames kNames = {};

ReportData sample() {
  ReportData data = test::sample_report();
  data.judgement->models[1].name = "small";
  return data;
}

const MetricChange& metric_of(const ReportDiff& diff, size_t model, const std::string& key) {
  for (const MetricChange& metric : diff.models.at(model).metrics) {
    if (metric.key == key) return metric;
  }
  throw std::out_of_range(key);
}

Metric& metric_in(ReportData& data, size_t model, const std::string& key) {
  for (Metric& metric : data.judgement->models.at(model).metrics) {
    if (metric.key == key) return metric;
  }
  throw std::out_of_range(key);
}

TEST(ReportDiff, NothingChangesBetweenAReportAndItself) {
  const ReportDiff diff = diff_reports(sample(), sample(), kNames);
  ASSERT_EQ(diff.models.size(), 3U);
  for (const MetricChange& metric : diff.models[1].metrics) {
    if (metric.key != "latency_ms") {
      EXPECT_EQ(metric.verdict, Change::kEqual) << metric.key;
    }
  }
  EXPECT_EQ(metric_of(diff, 1, "latency_ms").verdict, Change::kWithinNoise);
  EXPECT_TRUE(diff.gates.empty());
  EXPECT_TRUE(diff.notes.empty());
  EXPECT_FALSE(got_worse(diff));  // the broken model was broken before
}

TEST(ReportDiff, PairedDifferencesAreComparedByMover) {
  ReportData after = sample();
  metric_in(after, 1, "wer").value.value = 40;
  metric_in(after, 1, "wer").difference = Estimate{5.5, {{95, {4, 7.5}}}, "paired BCa", true};
  const ReportDiff diff = diff_reports(sample(), after, kNames);
  const MetricChange& wer = metric_of(diff, 1, "wer");
  EXPECT_EQ(wer.as, ComparedAs::kDifference);
  EXPECT_NEAR(wer.change.value, 4.8, 1e-12);
  // Before 0.7 [-0.4, 1.8]: 4.8 - sqrt(1.5^2 + 1.1^2), 4.8 + sqrt(2^2 + 1.1^2).
  EXPECT_NEAR(wer.change.at(95)->low, 4.8 - std::sqrt(2.25 + 1.21), 1e-12);
  EXPECT_NEAR(wer.change.at(95)->high, 4.8 + std::sqrt(4 + 1.21), 1e-12);
  EXPECT_EQ(wer.verdict, Change::kWorse);
  EXPECT_TRUE(got_worse(diff));
  EXPECT_FALSE(got_worse(diff_reports(sample(), after, kNames, {"wer"})));
}

TEST(ReportDiff, FiguresAreComparedWhereTheBaselineMoved) {
  ReportData after = sample();
  metric_in(after, 0, "wer").value.value = 34;
  const ReportDiff diff = diff_reports(sample(), after, kNames);
  EXPECT_EQ(metric_of(diff, 1, "wer").as, ComparedAs::kFigure);
  EXPECT_EQ(metric_of(diff, 0, "wer").verdict, Change::kWithinNoise);
  ASSERT_EQ(diff.notes.size(), 1U);
  EXPECT_EQ(diff.notes[0], "the baselines are not the same: figures are compared, not their differences to it");
}

TEST(ReportDiff, TimesAreComparedAsSharesOfTheBaseline) {
  ReportData after = sample();
  metric_in(after, 0, "latency_ms").value.value = 614;  // a machine half as fast
  metric_in(after, 1, "latency_ms").value.value = 400;
  metric_in(after, 1, "latency_ms").ratio = Estimate{0.65, {{95, {0.64, 0.66}}}, "paired rounds", true};
  ReportDiff diff = diff_reports(sample(), after, kNames);
  const MetricChange& time = metric_of(diff, 1, "latency_ms");
  EXPECT_EQ(time.as, ComparedAs::kShare);
  EXPECT_NEAR(time.change.value, 0.65 / 0.81, 1e-12);
  EXPECT_EQ(time.verdict, Change::kBetter);
  EXPECT_GT(time.change.at(95)->low, 0.75);
  EXPECT_LT(time.change.at(95)->high, 0.85);
  EXPECT_EQ(metric_of(diff, 0, "latency_ms").verdict, Change::kUnknown);
  after.judgement->session = "1 thread";
  diff = diff_reports(sample(), after, kNames);
  EXPECT_EQ(metric_of(diff, 1, "latency_ms").verdict, Change::kUnknown);
  EXPECT_EQ(diff.notes.size(), 1U);
}

TEST(ReportDiff, CountsHaveNoNoiseAndSingleMeasurementsNoKnownOne) {
  ReportData after = sample();
  metric_in(after, 1, "file_bytes").value.value += 1;
  metric_in(after, 1, "settled_bytes").value.value *= 2;
  const ReportDiff diff = diff_reports(sample(), after, kNames);
  EXPECT_EQ(metric_of(diff, 1, "file_bytes").verdict, Change::kWorse);
  EXPECT_EQ(metric_of(diff, 1, "settled_bytes").verdict, Change::kUnknown);
}

TEST(ReportDiff, GatesAndFailuresCountAsWorse) {
  ReportData before = sample(), after = sample();
  before.gates[0].passed = true;
  after.gates[1].passed = false;
  before.gates.pop_back();  // file_bytes is new, and fails
  const ReportDiff gates = diff_reports(before, after, kNames);
  ASSERT_EQ(gates.gates.size(), 2U);
  EXPECT_EQ(gates.gates[0].before, GateState::kPassed);
  EXPECT_EQ(gates.gates[0].after, GateState::kFailed);
  EXPECT_EQ(gates.gates[1].before, GateState::kAbsent);
  EXPECT_TRUE(got_worse(gates));
  before = after = sample();
  before.gates[0].passed = after.gates[0].passed = true;
  before.judgement->models[2].failure.clear();
  EXPECT_TRUE(got_worse(diff_reports(before, after, kNames)));
  EXPECT_FALSE(got_worse(diff_reports(after, before, kNames)));
}

TEST(ReportDiff, RefusesWhatCannotBeCompared) {
  const auto message = [](const ReportData& after) {
    return std::string(test::error_of([&] { diff_reports(sample(), after, {"a.json", "b.json"}); }).what());
  };
  ReportData after = sample();
  after.judgement->set_digest = "ff";
  EXPECT_EQ(message(after),
            "b.json: was judged on another test set than a.json: its digest is 'ff', not "
            "'00112233445566778899aabbccddeeff'; judge both on the same set");
  after = sample();
  after.judgement->confidences_pct = {99};
  EXPECT_EQ(message(after),
            "b.json: has no interval at a confidence that a.json has, too; judge both with the same --confidence");
  after = sample();
  for (ModelResult& model : after.judgement->models) model.name += "2";
  EXPECT_EQ(message(after), "b.json: has no model of a name that is in a.json; models are told apart by name");
  after.judgement.reset();
  EXPECT_EQ(message(after), "b.json: is not a report of vetquant eval");
}

TEST(ReportDiffText, FitsAHundredColumnsAndSaysTheWorstFirst) {
  ReportData after = sample();
  metric_in(after, 1, "wer").difference = Estimate{5.5, {{95, {4, 7.5}}}, "paired BCa", true};
  after.gates[1].passed = false;
  after.judgement->models[2].name = std::string(150, 'n');
  const std::string text = report_diff_text(diff_reports(sample(), after, kNames));
  EXPECT_TRUE(text.starts_with("WORSE: figures: 1 worse, 0 better, 1 within noise")) << text;
  EXPECT_NE(text.find("gate passed -> FAILED  small  file_bytes<=50MB"), std::string::npos) << text;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto columns = std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
    EXPECT_LE(columns, 100) << line;
  }
}

TEST(ReportDiffJson, HasASchemaAndTheVerdicts) {
  ReportData after = sample();
  metric_in(after, 1, "file_bytes").value.value += 1;
  const auto json = report_diff_json(diff_reports(sample(), after, kNames));
  EXPECT_EQ(json["schema"], "vetquant.report_diff/1");
  EXPECT_EQ(json["worse"], true);
  EXPECT_EQ(json["models"][1]["metrics"][3]["verdict"], "worse");
  EXPECT_EQ(json["models"][1]["metrics"][3]["change"], 1);
}

}  // namespace
}  // namespace vetquant
