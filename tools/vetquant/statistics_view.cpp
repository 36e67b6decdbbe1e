#include "statistics_view.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "vetquant/core/text.h"
#include "vetquant/pipeline/calibration.h"

namespace vetquant::cli {
namespace {

using Json = nlohmann::ordered_json;
using quant::ActivationStatistics;
using quant::TensorStatistics;

struct Named {
  const std::string* name;
  const TensorStatistics* tensor;
};

double width(const TensorStatistics& tensor) {
  return static_cast<double>(tensor.range->high) - static_cast<double>(tensor.range->low);
}

// How many deviations the farthest value is from the mean.
double farthest(const TensorStatistics& tensor) {
  if (tensor.deviation <= 0) return 0;
  return std::max(std::abs(static_cast<double>(tensor.maximum) - tensor.mean),
                  std::abs(static_cast<double>(tensor.minimum) - tensor.mean)) /
         tensor.deviation;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string pair(double low, double high) { return "[" + number(low) + ", " + number(high) + "]"; }

std::string method_words(const quant::RangeSettings& settings) {
  std::string words(name_of(settings.method));
  if (settings.method == quant::RangeMethod::kPercentile) words += " " + number(settings.percentile);
  if (settings.symmetry == Symmetry::kSymmetric) words += ", symmetric";
  return words;
}

// Those with the largest figure first; equal ones by name.
template <class Figure>
std::vector<Named> largest(const ActivationStatistics& statistics, size_t top, const Figure& figure) {
  std::vector<Named> all;
  for (const auto& [name, tensor] : statistics.tensors) {
    if (tensor.range) all.push_back({&name, &tensor});
  }
  std::stable_sort(all.begin(), all.end(),
                   [&](const Named& a, const Named& b) { return figure(*a.tensor) > figure(*b.tensor); });
  all.resize(std::min(all.size(), top));
  return all;
}

std::string table_of(const std::vector<Named>& tensors) {
  Table table({"tensor", "range", "seen", "mean", "deviation", "farthest"}, "<>>>>>", 0, 120);
  for (const auto& [name, tensor] : tensors) {
    table.row({*name, pair(tensor->range->low, tensor->range->high), pair(tensor->minimum, tensor->maximum),
               number(tensor->mean), number(tensor->deviation), number(farthest(*tensor))});
  }
  return table.text();
}

}  // namespace

Json statistics_json(const ActivationStatistics& statistics, const std::string& file) {
  Json tensors = Json::array();
  for (const auto& [name, tensor] : statistics.tensors) {
    Json entry = {{"name", name}};
    entry["range"] = tensor.range ? Json::array({tensor.range->low, tensor.range->high}) : Json(nullptr);
    entry["minimum"] = tensor.minimum;
    entry["maximum"] = tensor.maximum;
    entry["mean"] = tensor.mean;
    entry["deviation"] = tensor.deviation;
    entry["farthest"] = farthest(tensor);
    entry["values"] = tensor.values;
    entry["nan"] = tensor.nans;
    entry["inf"] = tensor.infinities;
    tensors.push_back(std::move(entry));
  }
  return {{"schema", "vetquant.statistics/1"},
          {"file", file},
          {"model", {{"file", statistics.model_file}, {"digest", statistics.model_digest}}},
          {"samples", {{"source", statistics.samples_source}, {"count", statistics.samples}}},
          {"method", method_words(statistics.settings)},
          {"doubts", doubts_about(statistics)},
          {"tensors", std::move(tensors)}};
}

std::string statistics_summary(const ActivationStatistics& statistics, const std::string& file) {
  std::string text = file + ": " + counted(statistics.tensors.size(), "tensor");
  if (!statistics.model_file.empty()) text += " of " + statistics.model_file;
  if (statistics.samples > 0) text += " on " + counted(statistics.samples, "sample");
  text += ", " + method_words(statistics.settings) + "\n";
  for (const std::string& doubt : doubts_about(statistics)) text += "warning: " + doubt + "\n";
  return text;
}

std::string statistics_text(const ActivationStatistics& statistics, const std::string& file, size_t top) {
  return statistics_summary(statistics, file) + "\nwidest ranges:\n" + table_of(largest(statistics, top, width)) +
         "\nfarthest outliers (deviations between the mean and the farthest value):\n" +
         table_of(largest(statistics, top, farthest));
}

}  // namespace vetquant::cli
