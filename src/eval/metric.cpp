#include "vetquant/eval/metric.h"

#include <algorithm>

#include "vetquant/eval/language_model.h"
#include "vetquant/eval/speech.h"

namespace vetquant {

const Interval* Estimate::at(double confidence_pct) const {
  for (const auto& entry : intervals) {
    if (entry.confidence_pct == confidence_pct) return &entry.interval;
  }
  return nullptr;
}

std::vector<std::string> known_metrics(const TestSet& set) {
  std::vector<std::string> names = {"file_bytes", "load_ms", "latency_ms", "settled_bytes", "peak_bytes"};
  if (set.task == TaskKind::kClassification) {
    names.insert(names.begin(), {"top1", "top" + std::to_string(set.top_k), "macro_f1", "ece", "recall"});
  } else if (set.task == TaskKind::kLanguageModel) {
    const std::vector<std::string> own = language_metric_names(*set.language);
    names.insert(names.begin(), own.begin(), own.end());
  } else if (set.task == TaskKind::kSpeech) {
    const std::vector<std::string> own = speech_metric_names(*set.speech);
    names.insert(names.begin(), own.begin(), own.end());
  } else {
    names.insert(names.begin(), {"sqnr_db", "cosine", "max_error", "mean_error", "agreement", "broken"});
  }
  return names;
}

void derive_ratio(Metric& metric, double baseline_value) {
  if (!metric.difference || baseline_value == 0) return;
  const auto ratio = [&](double difference) { return 1 + difference / baseline_value; };
  Estimate made = *metric.difference;
  made.value = metric.value.value / baseline_value;
  for (auto& entry : made.intervals) {
    entry.interval = {ratio(entry.interval.low), ratio(entry.interval.high)};
    if (baseline_value < 0) std::swap(entry.interval.low, entry.interval.high);
  }
  made.method += ", the baseline's value taken as fixed";
  metric.ratio = made;
}

}  // namespace vetquant
