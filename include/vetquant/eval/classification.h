// Right answers: top-1, top-k, macro F1, calibration error, recall of each class, confusion.
#pragma once

#include <cstdint>
#include <vector>

#include "vetquant/eval/metric.h"
#include "vetquant/eval/test_set.h"

namespace vetquant {

inline constexpr uint32_t kNoClass = UINT32_MAX;  // no score was a number

struct Answer {
  uint32_t best = kNoClass;  // highest score; the first of equal ones
  bool in_top_k = false;
  double confidence = 0;  // the probability that the model gives to `best`
};

// `scores`: one for each class. NaN ranks last. Error{kUsage} where their number does not fit the test set.
Answer answer_of(const HostTensor& scores, const TestSet& set, size_t sample);

// `base` empty: no differences. Sizes: one answer for each sample.
std::vector<Metric> classification_metrics(const TestSet& set, const std::vector<Answer>& own,
                                           const std::vector<Answer>& base, const StatisticsSettings& settings);

// counts[truth][answer]; answers that are no class are left out.
std::vector<std::vector<uint64_t>> confusion_of(const TestSet& set, const std::vector<Answer>& answers);

}  // namespace vetquant
