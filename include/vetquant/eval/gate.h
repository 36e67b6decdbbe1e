// Conditions that a judged model has to meet.
//
//   METRIC OP VALUE [@CONFIDENCE]        top1>=-0.5   latency_ms<=0.8x   file_bytes<=-70%   sqnr_db[logits]>=30   cosine>=0.99@90
//
// OP is >= <= > or <. VALUE without a sign is absolute (bytes may have kB, MB, GB); with a sign it is a difference to the
// baseline in the metric's unit (points, dB, ms); with a sign and % it is a change in percent of the baseline's value; with
// x it is a share of the baseline's value. A gate passes if the bound of the two-sided interval at its confidence (95 %)
// meets it; at confidence 0 the value itself counts. Without [OUTPUT] every output must meet it.
#pragma once

#include <string>
#include <vector>

#include "vetquant/eval/judge.h"
#include "vetquant/policy/policy.h"

namespace vetquant {

enum class GateOp { kAtLeast, kAtMost, kAbove, kBelow };
enum class GateScale { kAbsolute, kDifference, kChangePct, kShare };

struct Gate {
  std::string metric, output;
  GateOp op = GateOp::kAtLeast;
  GateScale scale = GateScale::kAbsolute;
  double value = 0;
  double confidence_pct = 95;
  std::string text;  // as written
};

struct GateResult {
  Gate gate;
  size_t model = 0;  // index into Judgement::models
  bool passed = false;
  double value = 0;    // what was measured, on the gate's scale
  double bound = 0;    // of the interval, which was compared
  std::string reason;  // why not, or what was compared
};

Gate parse_gate(const std::string& text, double confidence_pct = 95);  // Error{kUsage}
std::vector<Gate> gates_of(const PolicyGate& gate);                    // Error{kUsage} at its position

// Error{kUsage} where a metric is not one of the task's; call it before the long work.
void check_gates(const std::vector<Gate>& gates, const TestSet& set);

// Every gate for every model but the baseline (for it too where it is alone).
std::vector<GateResult> evaluate_gates(const std::vector<Gate>& gates, const Judgement& judgement);

}  // namespace vetquant
