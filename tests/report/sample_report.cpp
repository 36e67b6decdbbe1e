#include "report/sample_report.h"

#include <cmath>

namespace vetquant::test {
namespace {

Estimate at_95(double value, double low, double high, const char* method) {
  return {value, {{95, {low, high}}}, method, true};
}

Estimate single(double value, const char* method) { return {value, {}, method, false}; }

ModelResult judged(const char* name, double wer, double bytes, double ms) {
  ModelResult model;
  model.name = name;
  model.path = std::string("models/") + name;
  model.metrics = {{"wer", "", "%", Better::kLower, at_95(wer, wer - 2, wer + 2, "BCa over 40 clusters"), {}, {}},
                   {"sqnr_db", "logits", "dB", Better::kHigher, at_95(200, 200, 200, "BCa"), {}, {}},
                   {"new_metric", "", "", Better::kHigher, at_95(0.125, 0.1, 0.15, "BCa"), {}, {}},
                   {"file_bytes", "", "B", Better::kLower, single(bytes, "a count: the file"), {}, {}},
                   {"latency_ms", "", "ms", Better::kLower, at_95(ms, ms - 1, ms + 1, "median"), {}, {}},
                   {"settled_bytes", "", "B", Better::kLower, single(2 * bytes, "one measurement: resident"), {}, {}}};
  model.operators_written = {{"Conv", 4}, {"MatMul", 7}};
  model.operators = {{"Conv", 4}, {"com.microsoft:MatMulNBits", 7}};
  return model;
}

}  // namespace

ReportData sample_report() {
  Judgement judgement;
  judgement.set_name = "vet & <b>speech</b>";
  judgement.set_path = "sets/speech.yaml";
  judgement.set_license = "CC0-1.0";
  judgement.set_digest = "00112233445566778899aabbccddeeff";
  judgement.task = "speech";
  judgement.unit = "clip";
  judgement.samples = judgement.steps = 96;
  judgement.clusters = 40;
  judgement.labels = {"cs", "de"};
  judgement.runtime_version = "1.32.0";
  judgement.session = "2 threads, all optimizations";
  judgement.warm_up_runs = 3;
  judgement.timed_rounds = 20;
  judgement.resamples = 2000;
  judgement.confidences_pct = {95, 90};
  judgement.models = {judged("float", 34.5, 151e6, 307), judged(kHostileName, 35.2, 40e6, 249), {}};
  judgement.models[0].weights = {{"encoder/fc1.weight", "fp32", 100'000'000}, {"small constants", "other", 2000}};
  ModelResult& small = judgement.models[1];
  small.metrics[0].difference = at_95(0.7, -0.4, 1.8, "paired BCa");
  small.metrics[2].difference = at_95(-0.02, -0.03, -0.01, "paired BCa");
  small.metrics[3].difference = single(-111e6, "a count: the file");
  derive_ratio(small.metrics[3], 151e6);
  small.metrics[4].ratio = at_95(0.81, 0.8, 0.83, "paired rounds");
  small.confusion = {{5, 1}, {0, 6}};
  small.weights = {{"encoder/<i>fc1</i>.weight", "4 bits", 20'000'000}, {"embed", "8 bits", 15'000'000}};
  small.examples = {{"clip 1", "give the dog food", "give the dog food", "give a dog good food", {}},
                    {"clip <2>",
                     "enrofloxacin 5 mg/kg twice",
                     "enrofloxacin 5 mg/kg twice",
                     "enro flocks 5 mg/kg",
                     {"enrofloxacin", "5 mg/kg"}}};
  judgement.models[2].name = "broken";
  judgement.models[2].path = "models/broken.onnx";
  judgement.models[2].failure = "the judged process ended by signal 11 (Segmentation fault) <here>";
  ReportData data;
  data.gates = {{parse_gate("wer<=+1"), 1, false, 0.7, 1.8, "wer: value +0.7, upper bound 1.8 > 1"},
                {parse_gate("file_bytes<=50MB"), 1, true, 40e6, 40e6, "file_bytes: value 40000000"}};
  data.judgement = std::move(judgement);
  data.weights = {{"small.onnx",
                   {{"good", "folded, 8 bits", {2, 3}, 6, 44, 0.001, 0.0005, 1},
                    {"<u>bad</u>", "MatMulNBits, 4 bits, block 32", {4}, 4, 18.25, 0.1, 0.05, 1},
                    {"equal", "fp16", {4}, 4, 200, 0, 0, 1}}}};
  return data;
}

}  // namespace vetquant::test
