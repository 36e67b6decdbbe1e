#include "vetquant/report/judgement_report.h"

namespace vetquant {
namespace {

using Json = nlohmann::ordered_json;

Json estimate_json(const Estimate& estimate) {
  Json json = {{"value", estimate.value}, {"method", estimate.method}};
  Json intervals = Json::array();
  for (const auto& entry : estimate.intervals) {
    intervals.push_back(
        {{"confidence_pct", entry.confidence_pct}, {"low", entry.interval.low}, {"high", entry.interval.high}});
  }
  json["intervals"] = intervals;
  return json;
}

Json metric_json(const Metric& metric) {
  Json json = {{"key", metric.key}};
  if (!metric.output.empty()) json["output"] = metric.output;
  json["unit"] = metric.unit;
  json["better"] = metric.better == Better::kHigher ? "higher" : "lower";
  json.update(estimate_json(metric.value));
  if (metric.difference) json["difference"] = estimate_json(*metric.difference);
  if (metric.ratio) json["ratio"] = estimate_json(*metric.ratio);
  return json;
}

Json tensors_json(const std::vector<TensorInfo>& infos) {
  Json json = Json::array();
  for (const TensorInfo& info : infos) json.push_back({{"name", info.name}, {"type", describe(info)}});
  return json;
}

Json examples_json(const std::vector<ErrorExample>& examples) {
  Json json = Json::array();
  for (const ErrorExample& example : examples) {
    json.push_back({{"item", example.item},
                    {"reference", example.reference},
                    {"baseline", example.baseline},
                    {"candidate", example.candidate},
                    {"terms", example.terms}});
  }
  return json;
}

Json model_json(const ModelResult& model) {
  Json json = {
      {"name", model.name}, {"path", model.path.string()}, {"status", model.failure.empty() ? "judged" : "failed"}};
  if (!model.failure.empty()) json["failure"] = model.failure;
  json["inputs"] = tensors_json(model.inputs);
  json["outputs"] = tensors_json(model.outputs);
  json["metrics"] = Json::array();
  for (const Metric& metric : model.metrics) json["metrics"].push_back(metric_json(metric));
  if (!model.confusion.empty()) json["confusion"] = model.confusion;
  json["operators_written"] = model.operators_written;
  json["operators_after_optimization"] = model.operators;
  if (!model.operators_note.empty()) json["operators_note"] = model.operators_note;
  json["stored_weights"] = Json::array();
  for (const StoredWeightBytes& weight : model.weights)
    json["stored_weights"].push_back({{"name", weight.name}, {"precision", weight.precision}, {"bytes", weight.bytes}});
  if (!model.examples.empty()) json["examples"] = examples_json(model.examples);
  return json;
}

Json gate_json(const Judgement& judgement, const GateResult& result) {
  Json json = {{"gate", result.gate.text}, {"metric", result.gate.metric}};
  if (!result.gate.output.empty()) json["output"] = result.gate.output;
  json.update({{"model", judgement.models[result.model].name},
               {"confidence_pct", result.gate.confidence_pct},
               {"passed", result.passed},
               {"value", result.value},
               {"bound", result.bound},
               {"reason", result.reason}});
  return json;
}

}  // namespace

Json judgement_json(const Judgement& judgement, const std::vector<GateResult>& gates) {
  Json json = {{"schema", "vetquant.eval/1"}};
  json["test_set"] = {{"name", judgement.set_name},       {"path", judgement.set_path},
                      {"license", judgement.set_license}, {"digest", judgement.set_digest},
                      {"task", judgement.task},           {"unit", judgement.unit},
                      {"samples", judgement.samples},     {"steps", judgement.steps},
                      {"clusters", judgement.clusters},   {"labels", judgement.labels}};
  if (!judgement.normalisation.empty()) json["test_set"]["normalisation"] = judgement.normalisation;
  json["run"] = {{"runtime", "ONNX Runtime " + judgement.runtime_version},
                 {"session", judgement.session},
                 {"warm_up_runs", judgement.warm_up_runs},
                 {"timed_rounds", judgement.timed_rounds},
                 {"resamples", judgement.resamples},
                 {"confidences_pct", judgement.confidences_pct},
                 {"resampled", judgement.clusters ? "cluster" : judgement.unit}};
  json["baseline"] = judgement.models.at(judgement.baseline).name;
  json["models"] = Json::array();
  for (const ModelResult& model : judgement.models) json["models"].push_back(model_json(model));
  json["gates"] = Json::array();
  for (const GateResult& result : gates) json["gates"].push_back(gate_json(judgement, result));
  json["passed"] = all_is_well(judgement, gates);
  return json;
}

}  // namespace vetquant
