#include "vetquant/report/report_diff.h"

#include <algorithm>
#include <cmath>

#include "figures.h"
#include "text_table.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"

namespace vetquant {
namespace {

struct Side {
  double value = 0;
  Interval interval;
};

// MOVER: the distance of each bound from the difference is that of the bounds it is made of, squared and added.
Interval mover(const Side& before, const Side& after) {
  const double change = after.value - before.value;
  return {change - std::hypot(after.value - after.interval.low, before.interval.high - before.value),
          change + std::hypot(after.interval.high - after.value, before.value - before.interval.low)};
}

const ModelResult* model_called(const Judgement& judgement, const std::string& name) {
  for (const ModelResult& model : judgement.models) {
    if (model.name == name) return &model;
  }
  return nullptr;
}

void check_same_set(const Judgement& a, const Judgement& b, const DiffNames& names) {
  const auto differ = [&](const std::string& what, const std::string& x, const std::string& y) {
    if (x == y) return;
    throw Error(ErrorCode::kUsage,
                "was judged on another test set than " + names.before + ": its " + what + " is '" + printable(y) +
                    "', not '" + printable(x) + "'; judge both on the same set",
                names.after);
  };
  differ("name", a.set_name, b.set_name);
  differ("digest", a.set_digest, b.set_digest);
  differ("task", a.task, b.task);
  differ("number of samples", std::to_string(a.samples), std::to_string(b.samples));
}

double common_confidence(const Judgement& a, const Judgement& b, const DiffNames& names) {
  for (const double confidence : a.confidences_pct) {
    if (std::find(b.confidences_pct.begin(), b.confidences_pct.end(), confidence) != b.confidences_pct.end())
      return confidence;
  }
  throw Error(
      ErrorCode::kUsage,
      "has no interval at a confidence that " + names.before + " has, too; judge both with the same --confidence",
      names.after);
}

class Differ {
 public:
  Differ(const Judgement& before, const Judgement& after, double confidence_pct)
      : before_(before), after_(after), confidence_(confidence_pct) {}

  MetricChange change(const Metric& a, const Metric& b) const {
    MetricChange result;
    result.key = b.key;
    result.output = b.output;
    result.unit = b.unit;
    result.better = b.better;
    result.before = a.value.value;
    result.after = b.value.value;
    const bool is_time = is_cost(b) && b.unit != "B";
    if (is_time) {
      compare_shares(a, b, result);
    } else if (is_exact(b.value)) {
      result.change = {b.value.value - a.value.value, {}, b.value.method, false};
      result.verdict = change_of(result.change, b.better, confidence_);
    } else if (a.difference && b.difference && same_baseline(b)) {
      result.as = ComparedAs::kDifference;
      compare(*a.difference, *b.difference, result);
    } else {
      compare(a.value, b.value, result);
    }
    return result;
  }

  // The same answers of the same model: its figure is equal to the last bit.
  bool same_baseline(const Metric& kind) const {
    const ModelResult& a = before_.models[before_.baseline];
    const ModelResult& b = after_.models[after_.baseline];
    const Metric* in_a = same_kind(a, kind);
    const Metric* in_b = same_kind(b, kind);
    return a.name == b.name && in_a && in_b && in_a->value.value == in_b->value.value;
  }

 private:
  bool same_conditions() const {
    return before_.session == after_.session && before_.runtime_version == after_.runtime_version;
  }

  void compare(const Estimate& a, const Estimate& b, MetricChange& result) const {
    result.change = {b.value - a.value, {}, "no interval: " + b.method, true};
    const Interval* low = a.at(confidence_);
    const Interval* high = b.at(confidence_);
    const bool equal_bounds = (!low && !high) || (low && high && low->low == high->low && low->high == high->high);
    if (a.value == b.value && equal_bounds) {
      result.change.method = "both sides are equal";
      result.verdict = Change::kEqual;
    } else if (low && high) {
      result.change.intervals = {{confidence_, mover({a.value, *low}, {b.value, *high})}};
      result.change.method = "MOVER";
      result.verdict = change_of(result.change, result.better, confidence_);
    }
  }

  // On a logarithmic scale, where a factor is a difference.
  void compare_shares(const Metric& a, const Metric& b, MetricChange& result) const {
    result.change = {std::nan(""), {}, "times of two runs are only compared as shares of a baseline's", true};
    if (!a.ratio || !b.ratio || !(a.ratio->value > 0) || !(b.ratio->value > 0)) return;
    if (!same_conditions()) {
      result.change.method = "the runtime or its options are not the same";
      return;
    }
    result.as = ComparedAs::kShare;
    result.change = {b.ratio->value / a.ratio->value, {}, "no interval: " + b.ratio->method, true};
    const Interval* low = a.ratio->at(confidence_);
    const Interval* high = b.ratio->at(confidence_);
    if (!low || !high || !(low->low > 0) || !(high->low > 0)) return;
    const auto logarithm = [](double value, const Interval& interval) {
      return Side{std::log(value), {std::log(interval.low), std::log(interval.high)}};
    };
    const Interval found = mover(logarithm(a.ratio->value, *low), logarithm(b.ratio->value, *high));
    const Estimate on_logarithms{std::log(result.change.value), {{confidence_, found}}, "MOVER of logarithms", true};
    result.verdict = change_of(on_logarithms, result.better, confidence_);
    result.change.intervals = {{confidence_, {std::exp(found.low), std::exp(found.high)}}};
    result.change.method = "MOVER of logarithms";
  }

  const Judgement& before_;
  const Judgement& after_;
  double confidence_;
};

GateState state_in(const ReportData& data, const std::string& model, const std::string& gate, std::string& reason) {
  for (const GateResult& result : data.gates) {
    if (result.gate.text != gate || data.judgement->models[result.model].name != model) continue;
    reason = result.reason;
    return result.passed ? GateState::kPassed : GateState::kFailed;
  }
  return GateState::kAbsent;
}

void add_gates(const ReportData& listed, const ReportData& before, const ReportData& after, ReportDiff& diff) {
  for (const GateResult& result : listed.gates) {
    GateChange change{listed.judgement->models[result.model].name, result.gate.text, "", {}, {}};
    std::string old_reason;
    change.before = state_in(before, change.model, change.gate, old_reason);
    change.after = state_in(after, change.model, change.gate, change.reason);
    const bool known = std::any_of(diff.gates.begin(), diff.gates.end(), [&](const GateChange& other) {
      return other.model == change.model && other.gate == change.gate;
    });
    if (!known && change.before != change.after) diff.gates.push_back(std::move(change));
  }
}

void add_notes(const Judgement& a, const Judgement& b, const Differ& differ, ReportDiff& diff) {
  if (a.set_digest.empty())
    diff.notes.emplace_back("the inputs were random and have no digest: that they are the same is not certain");
  if (a.runtime_version != b.runtime_version)
    diff.notes.push_back("ONNX Runtime " + a.runtime_version + " before, " + b.runtime_version + " after");
  if (a.session != b.session)
    diff.notes.push_back("options of the runtime: " + a.session + " before, " + b.session + " after");
  const std::vector<const Metric*> kinds = quality_kinds(b);
  const ModelResult& baseline = b.models[b.baseline];
  const bool moved = std::any_of(kinds.begin(), kinds.end(), [&](const Metric* kind) {
    return same_kind(baseline, *kind) && !differ.same_baseline(*kind);
  });
  if (moved)
    diff.notes.emplace_back("the baselines are not the same: figures are compared, not their differences to it");
}

}  // namespace

ReportDiff diff_reports(const ReportData& before, const ReportData& after, const DiffNames& names,
                        const std::vector<std::string>& ignored) {
  for (const auto& [data, name] : {std::pair(&before, &names.before), std::pair(&after, &names.after)}) {
    if (!data->judgement) throw Error(ErrorCode::kUsage, "is not a report of vetquant eval", *name);
  }
  const Judgement& a = *before.judgement;
  const Judgement& b = *after.judgement;
  check_same_set(a, b, names);
  ReportDiff diff;
  diff.set_name = a.set_name;
  diff.confidence_pct = common_confidence(a, b, names);
  const Differ differ(a, b, diff.confidence_pct);
  add_notes(a, b, differ, diff);
  for (const ModelResult& model : a.models) {
    const ModelResult* found = model_called(b, model.name);
    if (!found) {
      diff.only_before.push_back(model.name);
      continue;
    }
    ModelChange change{model.name, model.failure, found->failure, {}};
    for (const Metric& metric : found->metrics) {
      const Metric* old = same_kind(model, metric);
      if (old && std::find(ignored.begin(), ignored.end(), metric.key) == ignored.end())
        change.metrics.push_back(differ.change(*old, metric));
    }
    diff.models.push_back(std::move(change));
  }
  for (const ModelResult& model : b.models) {
    if (!model_called(a, model.name)) diff.only_after.push_back(model.name);
  }
  if (diff.models.empty())
    throw Error(ErrorCode::kUsage,
                "has no model of a name that is in " + names.before + "; models are told apart by name", names.after);
  add_gates(after, before, after, diff);
  add_gates(before, before, after, diff);
  return diff;
}

bool got_worse(const ReportDiff& diff) {
  const auto worse_model = [](const ModelChange& model) {
    return (model.failure_before.empty() && !model.failure_after.empty()) ||
           std::any_of(model.metrics.begin(), model.metrics.end(),
                       [](const MetricChange& metric) { return metric.verdict == Change::kWorse; });
  };
  return std::any_of(diff.models.begin(), diff.models.end(), worse_model) ||
         std::any_of(diff.gates.begin(), diff.gates.end(),
                     [](const GateChange& gate) { return gate.after == GateState::kFailed; });
}

}  // namespace vetquant
