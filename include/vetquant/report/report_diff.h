// Two reports of eval on the same test set: what got better or worse from the first to the second beyond noise.
//
// A stored report has intervals, not the answers, so the interval of a change is put together from those of its two sides by
// MOVER (Zou and Donner 2008), which takes them as independent. On one test set they rather move together, so it is
// wide: it may miss a small change, and does not make one up. Where both reports judged the same baseline (equal figures),
// the paired differences to it are compared, which are much narrower than the figures themselves. Times are compared as
// shares of the baseline's time of the same run, so that another machine is no progress. Counts are compared as they are.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "vetquant/report/change.h"
#include "vetquant/report/read_report.h"

namespace vetquant {

// What the numbers of a MetricChange are.
enum class ComparedAs {
  kFigure,      // the metric's own value
  kDifference,  // its difference to the baseline, which is the same in both
  kShare        // its share of the baseline's: the change is a factor, and 1 means none
};

struct MetricChange {
  std::string key, output, unit;
  Better better = Better::kHigher;
  ComparedAs as = ComparedAs::kFigure;
  double before = 0, after = 0;  // the metric's values, whatever was compared
  Estimate change;
  Change verdict = Change::kUnknown;
};

struct ModelChange {
  std::string name;
  std::string failure_before, failure_after;  // "" where it was judged
  std::vector<MetricChange> metrics;
};

enum class GateState { kAbsent, kPassed, kFailed };

struct GateChange {
  std::string model, gate, reason;  // the reason is the second report's
  GateState before = GateState::kAbsent, after = GateState::kAbsent;
};

struct ReportDiff {
  std::string set_name;
  double confidence_pct = 95;
  std::vector<ModelChange> models;                   // that are in both
  std::vector<std::string> only_before, only_after;  // models
  std::vector<GateChange> gates;                     // whose state is not the same
  std::vector<std::string> notes;                    // what makes the comparison weaker
};

struct DiffNames {
  std::string before, after;  // the reports' files, for messages
};

// Error{kUsage}: one has no judgement; the test sets differ (name, digest, task or samples); no model is in both; no confidence is in both.
// Metrics whose key is in `ignored` are left out.
ReportDiff diff_reports(const ReportData& before, const ReportData& after, const DiffNames& names,
                        const std::vector<std::string>& ignored = {});

// A metric got worse, a gate that held or was not there fails, a model that was judged no longer is.
bool got_worse(const ReportDiff& diff);

std::string report_diff_text(const ReportDiff& diff);             // at most 100 columns
nlohmann::ordered_json report_diff_json(const ReportDiff& diff);  // "vetquant.report_diff/1"

}  // namespace vetquant
