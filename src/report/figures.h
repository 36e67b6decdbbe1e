// Figures in words, the same in every kind of report: names of metrics, units, differences and what they mean.
#pragma once

#include <string>
#include <vector>

#include "vetquant/eval/gate.h"
#include "vetquant/report/change.h"

namespace vetquant {

// Bytes, times and the like, which every model has; everything else is how good its answers are.
bool is_cost(const Metric& metric);

double confidence_of(const Judgement& judgement);  // the first that was asked for

std::string title_of(const std::string& key);                    // "word error rate"; the key's words where it is new
std::string title_of(const Metric& metric);                      // with its output: "SQNR of logits"
std::string unit_value(double value, const std::string& unit);   // "97.50 %", "4.6 MB", "12.31 ms", "equal" for 200 dB
std::string unit_change(double value, const std::string& unit);  // with a sign; a change of % is in "points"
std::string interval_text(const Interval& interval, const std::string& unit);         // "97.0 to 98.1 %"
std::string change_interval_text(const Interval& interval, const std::string& unit);  // signed

// The metrics of quality that any model has, in the order of the first model that has each; then those of cost.
std::vector<const Metric*> quality_kinds(const Judgement& judgement);
std::vector<const Metric*> cost_kinds(const Judgement& judgement);
const Metric* same_kind(const ModelResult& model,
                        const Metric& kind);  // key and output are equal; null where it has none

// The one sentence that every report begins with.
struct Verdict {
  enum class Kind { kPassed, kFailed, kJudged } kind = Kind::kJudged;  // kJudged: no gate was set
  std::string words;                                                   // "FAILED", "Passed", "Judged"
  std::string sentence;                                                // "1 of 6 gates failed"
};
Verdict verdict_of(const Judgement& judgement, const std::vector<GateResult>& gates);

}  // namespace vetquant
