#include "vetquant/eval/classification.h"

#include <algorithm>
#include <cmath>

#include "calibration_error.h"
#include "estimates.h"
#include "vetquant/core/error.h"

namespace vetquant {
namespace {

constexpr size_t kMostRecalls = 50;  // classes, lest a thousand of them drown the report

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

// The share of a class's samples that were recognised; nothing where the class does not occur.
std::optional<Metric> recall(const TestSet& set, uint32_t label, const std::vector<Answer>& own,
                             const std::vector<Answer>& base, const StatisticsSettings& settings) {
  std::vector<size_t> samples;
  for (size_t i = 0; i < set.truth.size(); ++i) {
    if (set.truth[i] == label) samples.push_back(i);
  }
  if (samples.empty()) return std::nullopt;
  const Clusters clusters = part_of(clusters_of(set), samples);
  const auto hits = [&](const std::vector<Answer>& answers) {
    return as_doubles(samples.size(), [&](size_t i) { return answers[samples[i]].best == label ? 1.0 : 0.0; });
  };
  const std::string name = label < set.labels.size() ? set.labels[label] : std::to_string(label);
  Metric metric{"recall",     name,        "%", Better::kHigher, proportion(clusters, hits(own), settings),
                std::nullopt, std::nullopt};
  if (!base.empty()) {
    metric.difference = paired_difference(clusters, hits(own), hits(base), settings);
    derive_ratio(metric, metric.value.value - metric.difference->value);
  }
  return metric;
}

Estimate of_top1(Estimate estimate) {
  estimate.method += " of top1";
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
  answer.confidence = confidence_of(values);
  size_t before = 0;
  for (size_t c = 0; c < values.size(); ++c)
    before += values[c] > values[truth] || (values[c] == values[truth] && c < truth) ? 1 : 0;
  answer.in_top_k = before < set.top_k && values[truth] > -HUGE_VAL;
  return answer;
}

std::vector<Metric> classification_metrics(const TestSet& set, const std::vector<Answer>& own,
                                           const std::vector<Answer>& base, const StatisticsSettings& settings) {
  const size_t n = set.truth.size();
  const Clusters clusters = clusters_of(set);
  const auto right = [&](const std::vector<Answer>& answers) {
    return as_doubles(n, [&](size_t i) { return answers[i].best == set.truth[i] ? 1.0 : 0.0; });
  };
  const auto ranked = [&](const std::vector<Answer>& answers) {
    return as_doubles(n, [&](size_t i) { return answers[i].in_top_k ? 1.0 : 0.0; });
  };
  std::vector<Metric> metrics;
  const auto add = [&](const std::string& key, const auto& hits) {
    Metric metric{key, "", "%", Better::kHigher, proportion(clusters, hits(own), settings), std::nullopt, std::nullopt};
    if (!base.empty()) {
      metric.difference = paired_difference(clusters, hits(own), hits(base), settings);
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
  Metric f1{"macro_f1",
            "",
            "%",
            Better::kHigher,
            bootstrapped(clusters, n, own_f1, of_top1(metrics[0].value), settings),
            std::nullopt,
            std::nullopt};
  if (!base.empty()) {
    f1.difference = bootstrapped(clusters, n, difference, of_top1(*metrics[0].difference), settings);
    derive_ratio(f1, f1.value.value - f1.difference->value);
  }
  metrics.push_back(std::move(f1));
  metrics.push_back(calibration_error(set, own, base, metrics[0], settings));
  for (uint32_t label = 0; label < std::min(classes, kMostRecalls); ++label) {
    if (auto metric = recall(set, label, own, base, settings)) metrics.push_back(std::move(*metric));
  }
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
