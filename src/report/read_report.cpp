#include "vetquant/report/read_report.h"

#include <cmath>
#include <limits>

#include "vetquant/core/error.h"
#include "vetquant/core/file.h"
#include "vetquant/core/text.h"

namespace vetquant {
namespace {

using Json = nlohmann::ordered_json;

// JSON has no NaN: null stands for it.
double number(const Json& json) { return json.is_null() ? std::nan("") : json.get<double>(); }

template <class Value>
Value value_or(const Json& json, const char* key, Value otherwise) {
  const auto found = json.find(key);
  return found == json.end() ? otherwise : found->get<Value>();
}

Estimate estimate(const Json& json) {
  Estimate result;
  result.value = number(json.at("value"));
  result.method = json.at("method").get<std::string>();
  result.wants_interval = !result.method.starts_with("a count") && !result.method.starts_with("one measurement");
  for (const Json& entry : json.at("intervals")) {
    result.intervals.push_back(
        {entry.at("confidence_pct").get<double>(), {number(entry.at("low")), number(entry.at("high"))}});
  }
  return result;
}

std::optional<Estimate> optional_estimate(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() ? std::nullopt : std::optional(estimate(*found));
}

Metric metric(const Json& json) {
  Metric result;
  result.key = json.at("key").get<std::string>();
  result.output = value_or<std::string>(json, "output", "");
  result.unit = json.at("unit").get<std::string>();
  result.better = json.at("better") == "higher" ? Better::kHigher : Better::kLower;
  result.value = estimate(json);
  result.difference = optional_estimate(json, "difference");
  result.ratio = optional_estimate(json, "ratio");
  return result;
}

ErrorExample example(const Json& json) {
  return {json.at("item").get<std::string>(), json.at("reference").get<std::string>(),
          json.at("baseline").get<std::string>(), json.at("candidate").get<std::string>(),
          json.at("terms").get<std::vector<std::string>>()};
}

ModelResult model(const Json& json) {
  ModelResult result;
  result.name = json.at("name").get<std::string>();
  result.path = json.at("path").get<std::string>();
  result.failure = value_or<std::string>(json, "failure", "");
  if (json.at("status") == "failed" && result.failure.empty()) result.failure = "it failed";
  for (const Json& entry : json.at("metrics")) result.metrics.push_back(metric(entry));
  result.confusion = value_or(json, "confusion", result.confusion);
  result.operators_written = json.at("operators_written").get<std::map<std::string, uint64_t>>();
  result.operators = json.at("operators_after_optimization").get<std::map<std::string, uint64_t>>();
  result.operators_note = value_or<std::string>(json, "operators_note", "");
  for (const Json& entry : value_or(json, "stored_weights", Json::array())) {
    result.weights.push_back({entry.at("name").get<std::string>(), entry.at("precision").get<std::string>(),
                              entry.at("bytes").get<uint64_t>()});
  }
  for (const Json& entry : value_or(json, "examples", Json::array())) result.examples.push_back(example(entry));
  return result;
}

size_t model_called(const Judgement& judgement, const std::string& name, const char* what) {
  for (size_t m = 0; m < judgement.models.size(); ++m) {
    if (judgement.models[m].name == name) return m;
  }
  throw Error(ErrorCode::kUsage, std::string(what) + " names a model '" + printable(name) + "' that is not in it");
}

void read_set(const Json& json, Judgement& judgement) {
  judgement.set_name = json.at("name").get<std::string>();
  judgement.set_path = json.at("path").get<std::string>();
  judgement.set_license = json.at("license").get<std::string>();
  judgement.set_digest = json.at("digest").get<std::string>();
  judgement.task = json.at("task").get<std::string>();
  judgement.unit = json.at("unit").get<std::string>();
  judgement.normalisation = json.value("normalisation", "");
  judgement.samples = json.at("samples").get<size_t>();
  judgement.steps = json.at("steps").get<size_t>();
  judgement.clusters = json.at("clusters").get<size_t>();
  judgement.labels = json.at("labels").get<std::vector<std::string>>();
}

void read_run(const Json& json, Judgement& judgement) {
  constexpr std::string_view kRuntime = "ONNX Runtime ";
  judgement.runtime_version = json.at("runtime").get<std::string>();
  if (judgement.runtime_version.starts_with(kRuntime)) judgement.runtime_version.erase(0, kRuntime.size());
  judgement.session = json.at("session").get<std::string>();
  judgement.warm_up_runs = json.at("warm_up_runs").get<int>();
  judgement.timed_rounds = json.at("timed_rounds").get<int>();
  judgement.resamples = json.at("resamples").get<int>();
  judgement.confidences_pct = json.at("confidences_pct").get<std::vector<double>>();
}

void read_eval(const Json& json, ReportData& data) {
  Judgement judgement;
  read_set(json.at("test_set"), judgement);
  read_run(json.at("run"), judgement);
  for (const Json& entry : json.at("models")) judgement.models.push_back(model(entry));
  judgement.baseline = model_called(judgement, json.at("baseline").get<std::string>(), "the baseline");
  for (const Json& entry : json.at("gates")) {
    GateResult gate;
    gate.gate.text = entry.at("gate").get<std::string>();
    gate.gate.metric = entry.at("metric").get<std::string>();
    gate.gate.output = value_or<std::string>(entry, "output", "");
    gate.gate.confidence_pct = entry.at("confidence_pct").get<double>();
    gate.model = model_called(judgement, entry.at("model").get<std::string>(), "a gate");
    gate.passed = entry.at("passed").get<bool>();
    gate.value = number(entry.at("value"));
    gate.bound = number(entry.at("bound"));
    gate.reason = entry.at("reason").get<std::string>();
    data.gates.push_back(std::move(gate));
  }
  data.judgement = std::move(judgement);
}

void read_compare(const Json& json, ReportData& data) {
  WeightErrors errors{json.at("quantized").get<std::string>(), {}};
  for (const Json& entry : json.at("weights")) {
    errors.weights.push_back({entry.at("name").get<std::string>(), entry.at("stored").get<std::string>(),
                              entry.at("shape").get<std::vector<int64_t>>(), entry.at("elements").get<uint64_t>(),
                              number(entry.at("sqnr_db")), number(entry.at("max_error")),
                              number(entry.at("mean_error")), number(entry.at("max_weight"))});
  }
  data.weights.push_back(std::move(errors));
  if (const auto outputs = json.find("outputs"); outputs != json.end()) read_eval(*outputs, data);
}

// A plan tells of every tensor how it is stored; the result, how far it is off.
void read_quantize(const Json& json, ReportData& data) {
  WeightErrors errors{json.at("output").at("model").get<std::string>(), {}};
  std::map<std::string, const Json*> planned;
  for (const Json& entry : json.at("tensors")) planned[entry.at("name").get<std::string>()] = &entry;
  for (const Json& entry : json.at("weights")) {
    WeightError error;
    error.name = entry.at("name").get<std::string>();
    constexpr double kEqualDb = 200;
    error.sqnr_db = entry.at("sqnr_db").is_null() ? kEqualDb : entry.at("sqnr_db").get<double>();
    error.error_max = number(entry.at("max_error"));
    error.error_mean = error.weight_max = std::nan("");
    if (const auto found = planned.find(error.name); found != planned.end()) {
      const Json& tensor = *found->second;
      error.form = tensor.at("form").get<std::string>() + ", " + tensor.at("type").get<std::string>();
      if (const auto block = tensor.find("block"); block != tensor.end())
        error.form += ", block " + std::to_string(block->get<int64_t>());
      error.shape = tensor.at("shape").get<std::vector<int64_t>>();
      error.elements = tensor.at("elements").get<uint64_t>();
    }
    errors.weights.push_back(std::move(error));
  }
  data.weights.push_back(std::move(errors));
}

}  // namespace

ReportData read_report(const Json& document, const std::string& where) {
  ReportData data;
  try {
    const auto schema = document.is_object() ? value_or<std::string>(document, "schema", "") : std::string();
    if (schema == "vetquant.eval/1") {
      read_eval(document, data);
    } else if (schema == "vetquant.compare/1") {
      read_compare(document, data);
    } else if (schema == "vetquant.quantize/1") {
      read_quantize(document, data);
    } else if (schema.starts_with("vetquant.eval/") || schema.starts_with("vetquant.compare/")) {
      throw Error(ErrorCode::kUsage,
                  "is a report of another version, '" + printable(schema) +
                      "'; this vetquant reads version 1: judge again, or use the vetquant that wrote it");
    } else {
      throw Error(ErrorCode::kUsage,
                  "is not a report of vetquant eval, compare or quantize; write one with --report FILE");
    }
  } catch (const Json::exception& error) {
    std::string what = error.what();  // "[json.exception.out_of_range.403] key 'models' not found"
    if (const size_t end = what.find("] "); end != std::string::npos) what = what.substr(end + 2);
    throw Error(ErrorCode::kUsage, "is not a whole report: " + printable(what), where);
  } catch (const Error& error) {
    throw Error(error.code(), error.message(), where);
  }
  return data;
}

ReportData load_report(const std::filesystem::path& path) {
  constexpr uint64_t kMostBytes = 1ULL << 30;
  const auto file = ReadFile::open(path, ErrorCode::kUsage);
  if (file->size_bytes() > kMostBytes) throw Error(ErrorCode::kUsage, "is too large for a report", path.string());
  std::string text(file->size_bytes(), '\0');
  file->read(0, std::as_writable_bytes(std::span(text)));
  const Json document = Json::parse(text, nullptr, false);
  if (document.is_discarded())
    throw Error(ErrorCode::kUsage, "is not JSON; write a report with --report FILE", path.string());
  return read_report(document, path.string());
}

}  // namespace vetquant
