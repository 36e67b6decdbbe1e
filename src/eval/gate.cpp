#include "vetquant/eval/gate.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "vetquant/core/error.h"
#include "vetquant/core/text.h"

namespace vetquant {
namespace {

[[noreturn]] void bad_gate(const std::string& text, const std::string& why) {
  throw Error(ErrorCode::kUsage,
              why + "; a gate is METRIC OP VALUE, such as top1>=-0.5, latency_ms<=0.8x or file_bytes<=30MB",
              "gate '" + printable(text) + "'");
}

double parse_number(std::string_view& rest, const std::string& text) {
  double value = 0;
  const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (problem != std::errc() || !std::isfinite(value)) bad_gate(text, "'" + printable(rest) + "' is not a number");
  rest.remove_prefix(static_cast<size_t>(end - rest.data()));
  return value;
}

std::string without_spaces(const std::string& text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out), [](char c) { return c != ' ' && c != '\t'; });
  return out;
}

bool is_percent(const std::string& metric) {
  constexpr std::array<std::string_view, 16> kPercents = {"macro_f1",
                                                          "ece",
                                                          "recall",
                                                          "agreement",
                                                          "cloze_accuracy",
                                                          "word_accuracy",
                                                          "wer",
                                                          "cer",
                                                          "substitutions",
                                                          "deletions",
                                                          "insertions",
                                                          "term_recall",
                                                          "term_precision",
                                                          "quantity_recall",
                                                          "same_text",
                                                          "quantity_precision"};
  return metric.starts_with("top") || std::find(kPercents.begin(), kPercents.end(), metric) != kPercents.end();
}

void parse_value(std::string_view rest, const std::string& text, Gate& gate) {
  const bool has_sign = !rest.empty() && (rest[0] == '+' || rest[0] == '-');
  const bool negative = has_sign && rest[0] == '-';
  if (has_sign) rest.remove_prefix(1);
  gate.value = parse_number(rest, text) * (negative ? -1 : 1);
  gate.scale = has_sign ? GateScale::kDifference : GateScale::kAbsolute;
  const size_t at = rest.find('@');
  const std::string_view suffix = rest.substr(0, at);
  if (at != std::string_view::npos) {
    std::string_view confidence = rest.substr(at + 1);
    gate.confidence_pct = parse_number(confidence, text);
    if (!confidence.empty()) bad_gate(text, "'" + printable(confidence) + "' follows the confidence");
  }
  if (suffix == "%" && has_sign) {
    gate.scale = GateScale::kChangePct;
  } else if (suffix == "%" && !is_percent(gate.metric)) {
    bad_gate(text, "a percentage needs a sign: -70% is 70 % less than the baseline");
  } else if (suffix == "x" && !has_sign) {
    gate.scale = GateScale::kShare;
  } else if (suffix == "kB" || suffix == "MB" || suffix == "GB") {
    gate.value *= suffix == "kB" ? 1e3 : suffix == "MB" ? 1e6 : 1e9;
  } else if (!suffix.empty() && suffix != "%" && !(gate.metric.ends_with("_" + std::string(suffix)))) {
    bad_gate(text, "'" + printable(suffix) + "' is no unit here");
  }
}

// The metric on the gate's scale; null where the model has no such comparison.
std::optional<Estimate> on_scale(const Metric& metric, GateScale scale) {
  switch (scale) {
    case GateScale::kAbsolute:
      return metric.value;
    case GateScale::kDifference:
      return metric.difference;
    case GateScale::kShare:
      return metric.ratio;
    case GateScale::kChangePct:
      break;
  }
  if (!metric.ratio) return std::nullopt;
  Estimate change = *metric.ratio;
  change.value = 100 * (change.value - 1);
  for (auto& entry : change.intervals)
    entry.interval = {100 * (entry.interval.low - 1), 100 * (entry.interval.high - 1)};
  return change;
}

bool holds(GateOp op, double found, double wanted) {
  switch (op) {
    case GateOp::kAtLeast:
      return found >= wanted;
    case GateOp::kAtMost:
      return found <= wanted;
    case GateOp::kAbove:
      return found > wanted;
    case GateOp::kBelow:
      return found < wanted;
  }
  return false;
}

std::string number_text(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

void compare(const Gate& gate, const Metric& metric, GateResult& result) {
  const auto estimate = on_scale(metric, gate.scale);
  const std::string name = metric.output.empty() ? metric.key : metric.key + "[" + metric.output + "]";
  if (!estimate) {
    result.passed = false;
    result.reason = name + " has no difference to a baseline; compare it with an absolute value";
    return;
  }
  result.value = result.bound = estimate->value;
  std::string compared = "value " + number_text(result.value);
  if (gate.confidence_pct > 0 && estimate->wants_interval) {
    const Interval* interval = estimate->at(gate.confidence_pct);
    if (!interval) {
      result.passed = false;
      result.reason =
          name + ": no interval (" + estimate->method + "); give more samples, or write @0 to compare the value itself";
      return;
    }
    const bool lower = gate.op == GateOp::kAtLeast || gate.op == GateOp::kAbove;
    result.bound = lower ? interval->low : interval->high;
    compared += std::string(", ") + (lower ? "lower" : "upper") + " bound " + number_text(result.bound) + " at " +
                number_text(gate.confidence_pct) + " %";
  }
  result.passed = holds(gate.op, result.bound, gate.value);
  result.reason = name + ": " + compared;
}

GateResult evaluate(const Gate& gate, const Judgement& judgement, size_t index) {
  const ModelResult& model = judgement.models[index];
  GateResult worst{gate, index, true, 0, 0, ""};
  bool found = false;
  for (const Metric& metric : model.metrics) {
    if (metric.key != gate.metric || (!gate.output.empty() && metric.output != gate.output)) continue;
    GateResult one{gate, index, false, 0, 0, ""};
    compare(gate, metric, one);
    if (!found || (worst.passed && !one.passed)) worst = one;
    found = true;
  }
  if (!found || !model.failure.empty()) {
    worst.passed = false;
    worst.reason =
        !model.failure.empty()
            ? "the model failed"
            : "no such figure for this model" +
                  std::string(judgement.models[judgement.baseline].failure.empty() ? "" : ", for the baseline failed");
  }
  return worst;
}

}  // namespace

Gate parse_gate(const std::string& written, double confidence_pct) {
  const std::string text = without_spaces(written);
  Gate gate;
  gate.text = written;
  gate.confidence_pct = confidence_pct;
  // An output's name in brackets may hold anything.
  const size_t open = text.find('['), first_op = text.find_first_of("<>");
  const bool named = open != std::string::npos && (first_op == std::string::npos || open < first_op);
  const size_t close = named ? text.find(']', open) : 0;
  if (named && close == std::string::npos) bad_gate(written, "']' is missing");
  const size_t at = text.find_first_of("<>", close);
  if (at == std::string::npos) bad_gate(written, "one of >= <= > < is missing");
  gate.metric = text.substr(0, named ? open : at);
  if (named) gate.output = text.substr(open + 1, close - open - 1);
  if (gate.metric.empty() || (named && close + 1 != at)) bad_gate(written, "the metric is missing");
  const bool or_equal = at + 1 < text.size() && text[at + 1] == '=';
  gate.op =
      text[at] == '>' ? (or_equal ? GateOp::kAtLeast : GateOp::kAbove) : (or_equal ? GateOp::kAtMost : GateOp::kBelow);
  parse_value(std::string_view(text).substr(at + (or_equal ? 2 : 1)), written, gate);
  if (!(gate.confidence_pct >= 0 && gate.confidence_pct < 100))
    bad_gate(written, "a confidence is at least 0 and below 100 percent");
  return gate;
}

std::vector<Gate> gates_of(const PolicyGate& gate) {
  std::vector<Gate> gates;
  const auto add = [&](const std::optional<double>& value, GateOp op, GateScale scale, double sign, const char* key) {
    if (!value) return;
    Gate made{gate.metric, "", op, scale, sign * *value, gate.confidence_pct, ""};
    made.text = gate.metric + " " + key + " " + number_text(*value);
    gates.push_back(made);
  };
  add(gate.max_increase, GateOp::kAtMost, GateScale::kDifference, 1, "max_increase");
  add(gate.max_decrease, GateOp::kAtLeast, GateScale::kDifference, -1, "max_decrease");
  add(gate.min, GateOp::kAtLeast, GateScale::kAbsolute, 1, "min");
  add(gate.max, GateOp::kAtMost, GateScale::kAbsolute, 1, "max");
  add(gate.keep, GateOp::kAtLeast, GateScale::kShare, 1, "keep");
  if (gates.empty())
    throw Error(ErrorCode::kUsage, "a gate needs max_increase, max_decrease, min, max or keep", gate.position.text());
  return gates;
}

void check_gates(const std::vector<Gate>& gates, const TestSet& set) {
  const std::vector<std::string> known = known_metrics(set);
  for (const Gate& gate : gates) {
    if (std::find(known.begin(), known.end(), gate.metric) != known.end()) continue;
    std::string all;
    for (const auto& name : known) all += (all.empty() ? "" : ", ") + name;
    throw Error(ErrorCode::kUsage,
                "the task " + name_of(set.task) + " has no metric '" + printable(gate.metric) + "'; it has " + all,
                "gate '" + printable(gate.text) + "'");
  }
}

std::vector<GateResult> evaluate_gates(const std::vector<Gate>& gates, const Judgement& judgement) {
  std::vector<GateResult> results;
  for (const Gate& gate : gates) {
    for (size_t m = 0; m < judgement.models.size(); ++m) {
      if (m != judgement.baseline || judgement.models.size() == 1) results.push_back(evaluate(gate, judgement, m));
    }
  }
  return results;
}

}  // namespace vetquant
