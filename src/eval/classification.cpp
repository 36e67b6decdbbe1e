#include "vetquant/eval/classification.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "vetquant/core/error.h"

namespace vetquant {
namespace {

constexpr double kPercent = 100;

void scale(Interval& interval, double by) {
  interval.low *= by;
  interval.high *= by;
}

std::string clustered(const TestSet& set, const std::string& method, double effect) {
  if (set.clusters.empty()) return method;
  const std::string rounded = std::to_string(std::round(effect * 100) / 100);
  return method + " with design effect " + rounded.substr(0, rounded.find('.') + 3) + " over " +
         std::to_string(set.cluster_count) + " clusters";
}

std::vector<double> as_doubles(size_t n, const std::function<double(size_t)>& value) {
  std::vector<double> values(n);
  for (size_t i = 0; i < n; ++i) values[i] = value(i);
  return values;
}

Estimate proportion(const TestSet& set, const std::vector<double>& right, const StatisticsSettings& settings) {
  Sum successes;
  for (const double value : right) successes.add(value);
  const double effect = design_effect(right, set.clusters), n = static_cast<double>(right.size());
  Estimate estimate;
  estimate.value = kPercent * successes.value() / n;
  estimate.method = set.clusters.empty() ? "Clopper-Pearson" : clustered(set, "Korn-Graubard", effect);
  for (const double confidence : settings.confidences_pct) {
    Interval interval = clopper_pearson(successes.value() / effect, n / effect, confidence);
    scale(interval, kPercent);
    estimate.intervals.push_back({confidence, interval});
  }
  return estimate;
}

Estimate paired_difference(const TestSet& set, const std::vector<double>& own, const std::vector<double>& base,
                           const StatisticsSettings& settings) {
  double gained = 0, lost = 0;
  std::vector<double> difference(own.size());
  for (size_t i = 0; i < own.size(); ++i) {
    difference[i] = own[i] - base[i];
    gained += difference[i] > 0 ? 1 : 0;
    lost += difference[i] < 0 ? 1 : 0;
  }
  const double effect = design_effect(difference, set.clusters), n = static_cast<double>(own.size());
  Estimate estimate;
  estimate.value = kPercent * (gained - lost) / n;
  estimate.method = clustered(set, "Tango", effect);
  for (const double confidence : settings.confidences_pct) {
    Interval interval = tango(gained / effect, lost / effect, n / effect, confidence);
    scale(interval, kPercent);
    estimate.intervals.push_back({confidence, interval});
  }
  return estimate;
}

struct Confusion {
  explicit Confusion(size_t classes) : right(classes, 0), truth(classes, 0), answered(classes, 0) {}
  void add(uint32_t is, uint32_t says, double times) {
    truth[is] += times;
    if (says < answered.size()) answered[says] += times;
    if (is == says) right[is] += times;
  }
  // Over the classes that occur: F1 = 2 right / (truth + answered).
  double macro_f1() const {
    double sum = 0, classes = 0;
    for (size_t c = 0; c < right.size(); ++c) {
      const double size = truth[c] + answered[c];
      if (size == 0) continue;
      sum += 2 * right[c] / size;
      ++classes;
    }
    return classes > 0 ? sum / classes : std::nan("");
  }
  std::vector<double> right, truth, answered;
};

size_t class_count(const TestSet& set, std::initializer_list<const std::vector<Answer>*> answers) {
  size_t count = set.labels.size();
  for (const uint32_t is : set.truth) count = std::max<size_t>(count, is + 1);
  for (const auto* list : answers) {
    for (const Answer& answer : *list)
      count = answer.best == kNoClass ? count : std::max<size_t>(count, answer.best + 1);
  }
  return count;
}

double macro_f1(const TestSet& set, const std::vector<Answer>& answers, size_t classes,
                std::span<const uint32_t> times) {
  Confusion confusion(classes);
  for (size_t i = 0; i < answers.size(); ++i) {
    const uint32_t drawn = times[set.clusters.empty() ? i : set.clusters[i]];
    if (drawn) confusion.add(set.truth[i], answers[i].best, drawn);
  }
  return confusion.macro_f1();
}

// Where no resample differs, the bootstrap knows nothing; the interval of the matching proportion is taken instead.
Estimate bootstrapped(const TestSet& set, const Bootstrap::Statistic& statistic, const Estimate& instead,
                      const StatisticsSettings& settings) {
  const size_t units = set.clusters.empty() ? set.truth.size() : set.cluster_count;
  const Bootstrap bootstrap(units, statistic, settings.seed, settings.resamples);
  Estimate estimate;
  estimate.value = bootstrap.value();
  estimate.method = "BCa over " + std::to_string(units) + (set.clusters.empty() ? " " + set.unit + "s" : " clusters");
  if (!bootstrap.interval(95) || bootstrap.all_alike()) {
    estimate.method = instead.method + " of top1";
    for (const auto& entry : instead.intervals) {
      const double shift = estimate.value - instead.value;
      estimate.intervals.push_back({entry.confidence_pct, {entry.interval.low + shift, entry.interval.high + shift}});
    }
    return estimate;
  }
  for (const double confidence : settings.confidences_pct)
    estimate.intervals.push_back({confidence, *bootstrap.interval(confidence)});
  return estimate;
}

}  // namespace

Answer answer_of(const HostTensor& scores, const TestSet& set, size_t sample) {
  std::vector<double> values = to_doubles(scores);
  const uint32_t truth = set.truth.at(sample);
  if (!set.labels.empty() && values.size() != set.labels.size()) {
    throw Error(ErrorCode::kUsage,
                "the model gives " + describe(scores) + ", but the test set has " + std::to_string(set.labels.size()) +
                    " labels; name the right output with 'scores'",
                set.path.string());
  }
  if (truth >= values.size()) {
    throw Error(
        ErrorCode::kUsage,
        "the model gives " + std::to_string(values.size()) + " scores, but class " + std::to_string(truth) + " occurs",
        set.path.string());
  }
  for (double& value : values) {
    if (std::isnan(value)) value = -HUGE_VAL;
  }
  const auto best = std::max_element(values.begin(), values.end());
  Answer answer;
  if (*best == -HUGE_VAL) return answer;
  answer.best = static_cast<uint32_t>(best - values.begin());
  size_t before = 0;
  for (size_t c = 0; c < values.size(); ++c)
    before += values[c] > values[truth] || (values[c] == values[truth] && c < truth) ? 1 : 0;
  answer.in_top_k = before < set.top_k && values[truth] > -HUGE_VAL;
  return answer;
}

std::vector<Metric> classification_metrics(const TestSet& set, const std::vector<Answer>& own,
                                           const std::vector<Answer>& base, const StatisticsSettings& settings) {
  const size_t n = set.truth.size();
  const auto right = [&](const std::vector<Answer>& answers) {
    return as_doubles(n, [&](size_t i) { return answers[i].best == set.truth[i] ? 1.0 : 0.0; });
  };
  const auto ranked = [&](const std::vector<Answer>& answers) {
    return as_doubles(n, [&](size_t i) { return answers[i].in_top_k ? 1.0 : 0.0; });
  };
  std::vector<Metric> metrics;
  const auto add = [&](const std::string& key, const auto& hits) {
    Metric metric{key, "", "%", Better::kHigher, proportion(set, hits(own), settings), std::nullopt, std::nullopt};
    if (!base.empty()) {
      metric.difference = paired_difference(set, hits(own), hits(base), settings);
      derive_ratio(metric, metric.value.value - metric.difference->value);
    }
    metrics.push_back(std::move(metric));
  };
  add("top1", right);
  const size_t classes = class_count(set, {&own, &base});
  if (classes > set.top_k) add("top" + std::to_string(set.top_k), ranked);
  const auto own_f1 = [&](std::span<const uint32_t> times) { return kPercent * macro_f1(set, own, classes, times); };
  const auto difference = [&](std::span<const uint32_t> times) {
    return kPercent * (macro_f1(set, own, classes, times) - macro_f1(set, base, classes, times));
  };
  Metric f1{"macro_f1",   "",          "%", Better::kHigher, bootstrapped(set, own_f1, metrics[0].value, settings),
            std::nullopt, std::nullopt};
  if (!base.empty()) {
    f1.difference = bootstrapped(set, difference, *metrics[0].difference, settings);
    derive_ratio(f1, f1.value.value - f1.difference->value);
  }
  metrics.push_back(std::move(f1));
  return metrics;
}

std::vector<std::vector<uint64_t>> confusion_of(const TestSet& set, const std::vector<Answer>& answers) {
  const size_t classes = class_count(set, {&answers});
  std::vector<std::vector<uint64_t>> counts(classes, std::vector<uint64_t>(classes, 0));
  for (size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].best != kNoClass) ++counts[set.truth[i]][answers[i].best];
  }
  return counts;
}

}  // namespace vetquant
