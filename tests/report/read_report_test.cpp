#include "vetquant/report/read_report.h"

#include <gtest/gtest.h>

#include <cmath>

#include "report/sample_report.h"
#include "support/error_of.h"
#include "vetquant/report/comparison_report.h"
#include "vetquant/report/judgement_report.h"
#include "vetquant/report/render.h"

namespace vetquant {
namespace {

using Json = nlohmann::ordered_json;

// As a file has it: what is not UTF-8 is replaced.
Json stored(const Json& json) { return Json::parse(json.dump(2, ' ', false, Json::error_handler_t::replace)); }

Json sample_json() {
  const ReportData data = test::sample_report();
  return stored(judgement_json(*data.judgement, data.gates));
}

TEST(ReadReport, WhatIsReadIsWhatWasWritten) {
  const Json json = sample_json();
  const ReportData data = read_report(json, "a.json");
  ASSERT_TRUE(data.judgement);
  Json again = judgement_json(*data.judgement, data.gates);
  EXPECT_EQ(again, json);
}

TEST(ReadReport, RendersAsWhatWasJudgedAtOnce) {
  ReportData data = test::sample_report();
  data.judgement->models[1].path = data.judgement->models[1].name =
      "small";  // bytes that are no UTF-8 do not survive JSON
  data.weights.clear();
  const ReportData again = read_report(stored(judgement_json(*data.judgement, data.gates)), "a.json");
  EXPECT_EQ(report_html(again), report_html(data));
  EXPECT_EQ(report_junit(again), report_junit(data));
  EXPECT_EQ(report_markdown(again), report_markdown(data));
}

TEST(ReadReport, NullIsNotANumber) {
  Json json = sample_json();
  json["models"][0]["metrics"][0]["value"] = nullptr;
  const ReportData data = read_report(json, "a.json");
  EXPECT_TRUE(std::isnan(data.judgement->models[0].metrics[0].value.value));
  EXPECT_NE(report_html(data), "");
}

TEST(ReadReport, ComparisonsBringWeightsAndOutputs) {
  const ReportData sample = test::sample_report();
  Comparison comparison{"a.onnx", "b.onnx", {sample.weights[0].weights, {}}, sample.judgement};
  const ReportData data = read_report(stored(comparison_json(comparison)), "c.json");
  ASSERT_EQ(data.weights.size(), 1U);
  EXPECT_EQ(data.weights[0].model, "b.onnx");
  EXPECT_EQ(data.weights[0].weights.size(), 3U);
  EXPECT_EQ(data.weights[0].weights[1].sqnr_db, 18.25);
  EXPECT_EQ(data.weights[0].weights[1].form, "MatMulNBits, 4 bits, block 32");
  EXPECT_TRUE(data.judgement);
}

TEST(ReadReport, QuantizeTellsOfWeights) {
  const Json json = Json::parse(R"({"schema": "vetquant.quantize/1", "output": {"model": "small.onnx"},
    "tensors": [{"name": "w", "form": "matmul_nbits", "type": "int4", "block": 32, "shape": [4, 2], "elements": 8}],
    "weights": [{"name": "w", "sqnr_db": null, "max_error": 0.5}]})");
  const ReportData data = read_report(json, "q.json");
  ASSERT_EQ(data.weights.size(), 1U);
  EXPECT_EQ(data.weights[0].weights[0].form, "matmul_nbits, int4, block 32");
  EXPECT_EQ(data.weights[0].weights[0].sqnr_db, 200);
}

TEST(ReadReport, SaysWhatIsWrongWithADocument) {
  const auto message = [](const Json& json) {
    return std::string(test::error_of([&] { read_report(json, "a.json"); }).what());
  };
  EXPECT_EQ(message(Json::array()),
            "a.json: is not a report of vetquant eval, compare or quantize; write one with --report FILE");
  Json json = sample_json();
  json["schema"] = "vetquant.eval/2";
  EXPECT_EQ(
      message(json),
      "a.json: is a report of another version, 'vetquant.eval/2'; this vetquant reads version 1: judge again, or use "
      "the vetquant that wrote it");
  json = sample_json();
  json.erase("models");
  EXPECT_EQ(message(json), "a.json: is not a whole report: key 'models' not found");
  json = sample_json();
  json["models"][0]["metrics"][0]["value"] = "much";
  EXPECT_EQ(message(json), "a.json: is not a whole report: type must be number, but is string");
  json = sample_json();
  json["baseline"] = "nobody";
  EXPECT_EQ(message(json), "a.json: the baseline names a model 'nobody' that is not in it");
}

}  // namespace
}  // namespace vetquant
