#include "calibration_error.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "estimates.h"

namespace vetquant {
namespace {

constexpr size_t kBins = 15;

double error_pct(const TestSet& set, const std::vector<Answer>& answers, std::span<const uint32_t> times) {
  std::array<double, kBins> surplus{};  // confidence minus right answers
  double drawn = 0;
  for (size_t i = 0; i < answers.size(); ++i) {
    const double count = times[set.clusters.empty() ? i : set.clusters[i]];
    const auto bin = static_cast<size_t>(answers[i].confidence * kBins);
    surplus[std::min(bin, kBins - 1)] += count * (answers[i].confidence - (answers[i].best == set.truth[i] ? 1 : 0));
    drawn += count;
  }
  double sum = 0;
  for (const double bin : surplus) sum += std::abs(bin);
  return drawn > 0 ? kPercent * sum / drawn : std::nan("");
}

}  // namespace

double confidence_of(std::span<const double> scores) {
  const double most = *std::max_element(scores.begin(), scores.end());
  double sum = 0, of_exponentials = 0;
  bool within = true;
  for (const double score : scores) {
    sum += score;
    of_exponentials += std::exp(score - most);
    within &= score >= 0 && score <= 1;
  }
  return within && std::abs(sum - 1) < 1e-3 ? most : 1 / of_exponentials;
}

Metric calibration_error(const TestSet& set, const std::vector<Answer>& own, const std::vector<Answer>& base,
                         const Metric& top1, const StatisticsSettings& settings) {
  const Clusters clusters = clusters_of(set);
  const auto value = [&](std::span<const uint32_t> times) { return error_pct(set, own, times); };
  const auto difference = [&](std::span<const uint32_t> times) {
    return error_pct(set, own, times) - error_pct(set, base, times);
  };
  Metric metric{
      "ece",        "",          "%", Better::kLower, bootstrapped(clusters, own.size(), value, top1.value, settings),
      std::nullopt, std::nullopt};
  if (!base.empty()) {
    metric.difference = bootstrapped(clusters, own.size(), difference, *top1.difference, settings);
    derive_ratio(metric, metric.value.value - metric.difference->value);
  }
  return metric;
}

}  // namespace vetquant
