// Statistics of activations for readers: the same for `calibrate` and `inspect`.
#pragma once

#include "commands.h"
#include "vetquant/quant/activation_statistics.h"

namespace vetquant::cli {

// {"schema": "vetquant.statistics/1", ...}; `file` is that of the statistics.
nlohmann::ordered_json statistics_json(const quant::ActivationStatistics& statistics, const std::string& file);

// "stats.yaml: 25 tensors of mnist.onnx on 100 samples, percentile 99.99", and what is doubtful.
std::string statistics_summary(const quant::ActivationStatistics& statistics, const std::string& file);

// The summary, then the widest tensors and those with the farthest outliers, `top` of each.
std::string statistics_text(const quant::ActivationStatistics& statistics, const std::string& file, size_t top);

}  // namespace vetquant::cli
