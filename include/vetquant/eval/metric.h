// One figure of one model: its value, how sure it is, and how it differs from the baseline's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/eval/statistics.h"
#include "vetquant/eval/test_set.h"

namespace vetquant {

enum class Better { kHigher, kLower };

struct ConfidenceInterval {
  double confidence_pct = 95;
  Interval interval;
};

struct Estimate {
  double value = 0;
  std::vector<ConfidenceInterval> intervals;  // one for each confidence asked for; empty: see `method`
  std::string method;                         // "Clopper-Pearson", "BCa over 40 clusters", "a count", "too few samples"
  bool wants_interval = true;                 // false: a count or a single measurement, which gates take as it is

  const Interval* at(double confidence_pct) const;
};

struct Metric {
  std::string key;     // "top1", "sqnr_db", "latency_ms"
  std::string output;  // of the model, where the metric is one of each output
  std::string unit;    // "%", "dB", "ms", "B", ""
  Better better = Better::kHigher;
  Estimate value;
  std::optional<Estimate> difference;  // to the baseline, in `unit`
  std::optional<Estimate> ratio;       // to the baseline's value
};

struct StatisticsSettings {
  std::vector<double> confidences_pct = {95};
  uint64_t seed = 20'240'229;
  int resamples = 2000;
};

// What gates may name for a task, without outputs.
std::vector<std::string> known_metrics(const TestSet& set);

// Sets `ratio` from the difference, the baseline's value being taken as fixed.
void derive_ratio(Metric& metric, double baseline_value);

}  // namespace vetquant
