// How well a classifier knows how sure it may be.
#pragma once

#include <span>
#include <vector>

#include "vetquant/eval/classification.h"

namespace vetquant {

// The probability of the highest score: softmax of the scores, or that score itself where they are probabilities already
// (none outside [0, 1], their sum within 0.001 of 1). -inf stands for a score that was no number.
double confidence_of(std::span<const double> scores);

// Expected calibration error in percent: the mean over samples of |accuracy - mean confidence| of their bin, confidences in 15
// bins of equal width (Guo et al. 2017, "On Calibration of Modern Neural Networks", section 2). BCa; `top1` lends its interval
// where no resample differs.
Metric calibration_error(const TestSet& set, const std::vector<Answer>& own, const std::vector<Answer>& base,
                         const Metric& top1, const StatisticsSettings& settings);

}  // namespace vetquant
