#include "vetquant/report/report_diff.h"

namespace vetquant {
namespace {

using Json = nlohmann::ordered_json;

const char* name_of(ComparedAs as) {
  switch (as) {
    case ComparedAs::kFigure:
      return "figure";
    case ComparedAs::kDifference:
      return "difference to the baseline";
    case ComparedAs::kShare:
      break;
  }
  return "share of the baseline's";
}

const char* name_of(GateState state) {
  return state == GateState::kAbsent ? "absent" : state == GateState::kPassed ? "passed" : "failed";
}

Json metric_json(const MetricChange& metric) {
  Json json = {{"key", metric.key}};
  if (!metric.output.empty()) json["output"] = metric.output;
  json.update({{"unit", metric.unit},
               {"better", metric.better == Better::kHigher ? "higher" : "lower"},
               {"before", metric.before},
               {"after", metric.after},
               {"compared_as", name_of(metric.as)},
               {"change", metric.change.value},
               {"method", metric.change.method}});
  for (const ConfidenceInterval& entry : metric.change.intervals)
    json["interval"] = {{"low", entry.interval.low}, {"high", entry.interval.high}};
  json["verdict"] = in_words(metric.verdict);
  return json;
}

}  // namespace

Json report_diff_json(const ReportDiff& diff) {
  Json json = {
      {"schema", "vetquant.report_diff/1"}, {"test_set", diff.set_name}, {"confidence_pct", diff.confidence_pct},
      {"worse", got_worse(diff)},           {"notes", diff.notes},       {"only_before", diff.only_before},
      {"only_after", diff.only_after}};
  json["models"] = Json::array();
  for (const ModelChange& model : diff.models) {
    Json entry = {{"name", model.name}};
    if (!model.failure_before.empty()) entry["failure_before"] = model.failure_before;
    if (!model.failure_after.empty()) entry["failure_after"] = model.failure_after;
    entry["metrics"] = Json::array();
    for (const MetricChange& metric : model.metrics) entry["metrics"].push_back(metric_json(metric));
    json["models"].push_back(std::move(entry));
  }
  json["gates"] = Json::array();
  for (const GateChange& gate : diff.gates) {
    json["gates"].push_back({{"model", gate.model},
                             {"gate", gate.gate},
                             {"before", name_of(gate.before)},
                             {"after", name_of(gate.after)},
                             {"reason", gate.reason}});
  }
  return json;
}

}  // namespace vetquant
