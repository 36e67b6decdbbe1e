#include <algorithm>
#include <cmath>

#include "figures.h"
#include "text_table.h"
#include "vetquant/core/text.h"
#include "vetquant/report/report_diff.h"

namespace vetquant {
namespace {

constexpr size_t kNameWidth = 60;

std::string factor(double value) { return std::isnan(value) ? "" : fixed(value, 3) + "x"; }

std::string change_text(const MetricChange& metric) {
  if (metric.as == ComparedAs::kShare) return factor(metric.change.value);
  return std::isnan(metric.change.value) ? "" : unit_change(metric.change.value, metric.unit);
}

std::string range_text(const MetricChange& metric, double confidence) {
  const Interval* interval = metric.change.at(confidence);
  if (!interval) return "";
  if (metric.as == ComparedAs::kShare) return factor(interval->low) + " to " + factor(interval->high);
  return change_interval_text(*interval, metric.unit);
}

int rank(Change change) {
  constexpr Change kOrder[] = {Change::kWorse, Change::kBetter, Change::kWithinNoise, Change::kUnknown, Change::kEqual};
  return static_cast<int>(std::find(std::begin(kOrder), std::end(kOrder), change) - std::begin(kOrder));
}

std::string model_text(const ModelChange& model, double confidence) {
  std::string text = shortened(printable(model.name), kNameWidth) + "\n";
  if (!model.failure_after.empty())
    text += wrapped(std::string(model.failure_before.empty() ? "  WORSE: now it fails: " : "  fails as before: ") +
                        printable(model.failure_after, 400),
                    "    ");
  if (!model.failure_before.empty() && model.failure_after.empty()) text += "  better: it failed before\n";
  std::vector<const MetricChange*> sorted;
  for (const MetricChange& metric : model.metrics) sorted.push_back(&metric);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto* a, const auto* b) { return rank(a->verdict) < rank(b->verdict); });
  TextTable table({{"  metric", Align::kLeft},
                   {"before"},
                   {"after"},
                   {"change"},
                   {compact(confidence) + " %"},
                   {"verdict", Align::kLeft}});
  for (const MetricChange* metric : sorted) {
    const std::string title =
        title_of(metric->key) + (metric->output.empty() ? "" : " of " + printable(metric->output));
    table.row({"  " + title, unit_value(metric->before, metric->unit), unit_value(metric->after, metric->unit),
               change_text(*metric), range_text(*metric, confidence),
               metric->verdict == Change::kWorse ? "WORSE" : in_words(metric->verdict)});
  }
  return text + (sorted.empty() ? "" : table.text()) + "\n";
}

std::string in_words(GateState state) {
  return state == GateState::kAbsent ? "absent" : state == GateState::kPassed ? "passed" : "FAILED";
}

std::string summary(const ReportDiff& diff) {
  size_t counts[5] = {};
  for (const ModelChange& model : diff.models) {
    for (const MetricChange& metric : model.metrics) ++counts[rank(metric.verdict)];
  }
  return std::string(got_worse(diff) ? "WORSE"
                     : counts[1] > 0 ? "Better"
                                     : "No change beyond noise") +
         ": figures: " + std::to_string(counts[0]) + " worse, " + std::to_string(counts[1]) + " better, " +
         std::to_string(counts[2]) + " within noise, " + std::to_string(counts[3]) + " not known, " +
         std::to_string(counts[4]) + " unchanged\n";
}

}  // namespace

std::string report_diff_text(const ReportDiff& diff) {
  std::string text = summary(diff);
  text +=
      wrapped("Test set " + printable(diff.set_name) + "; intervals at " + compact(diff.confidence_pct) + " %", "  ");
  for (const std::string& note : diff.notes) text += wrapped("note: " + printable(note, 400), "  ");
  for (const std::string& name : diff.only_before)
    text += "only before: " + shortened(printable(name), kNameWidth) + "\n";
  for (const std::string& name : diff.only_after)
    text += "only after: " + shortened(printable(name), kNameWidth) + "\n";
  text += "\n";
  for (const ModelChange& model : diff.models) text += model_text(model, diff.confidence_pct);
  for (const GateChange& gate : diff.gates) {
    text += wrapped("gate " + in_words(gate.before) + " -> " + in_words(gate.after) + "  " +
                        shortened(printable(gate.model), kNameWidth) + "  " + printable(gate.gate) +
                        (gate.reason.empty() ? "" : "  (" + printable(gate.reason, 400) + ")"),
                    "  ");
  }
  if (diff.gates.empty()) text.pop_back();  // the last table's empty line
  return text;
}

}  // namespace vetquant
