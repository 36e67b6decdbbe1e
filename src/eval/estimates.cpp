#include "estimates.h"

#include <cmath>
#include <map>

namespace vetquant {
namespace {

void scale(Interval& interval, double by) {
  interval.low *= by;
  interval.high *= by;
}

std::string clustered(const Clusters& clusters, const std::string& method, double effect) {
  if (clusters.of.empty()) return method;
  const std::string rounded = std::to_string(std::round(effect * 100) / 100);
  return method + " with design effect " + rounded.substr(0, rounded.find('.') + 3) + " over " +
         std::to_string(clusters.count) + " clusters";
}

}  // namespace

Clusters clusters_of(const TestSet& set) { return {set.clusters, set.cluster_count, set.unit}; }

Clusters part_of(const Clusters& clusters, const std::vector<size_t>& samples) {
  Clusters part{{}, 0, clusters.unit};
  if (clusters.of.empty()) return part;
  std::map<uint32_t, uint32_t> numbers;
  for (const size_t sample : samples)
    part.of.push_back(numbers.try_emplace(clusters.of[sample], static_cast<uint32_t>(numbers.size())).first->second);
  part.count = static_cast<uint32_t>(numbers.size());
  return part;
}

std::vector<double> as_doubles(size_t n, const std::function<double(size_t)>& value) {
  std::vector<double> values(n);
  for (size_t i = 0; i < n; ++i) values[i] = value(i);
  return values;
}

Estimate proportion(const Clusters& clusters, const std::vector<double>& right, const StatisticsSettings& settings) {
  Sum successes;
  for (const double value : right) successes.add(value);
  const double effect = design_effect(right, clusters.of), n = static_cast<double>(right.size());
  Estimate estimate;
  estimate.value = kPercent * successes.value() / n;
  estimate.method = clusters.of.empty() ? "Clopper-Pearson" : clustered(clusters, "Korn-Graubard", effect);
  for (const double confidence : settings.confidences_pct) {
    Interval interval = clopper_pearson(successes.value() / effect, n / effect, confidence);
    scale(interval, kPercent);
    estimate.intervals.push_back({confidence, interval});
  }
  return estimate;
}

Estimate paired_difference(const Clusters& clusters, const std::vector<double>& own, const std::vector<double>& base,
                           const StatisticsSettings& settings) {
  double gained = 0, lost = 0;
  std::vector<double> difference(own.size());
  for (size_t i = 0; i < own.size(); ++i) {
    difference[i] = own[i] - base[i];
    gained += difference[i] > 0 ? 1 : 0;
    lost += difference[i] < 0 ? 1 : 0;
  }
  const double effect = design_effect(difference, clusters.of), n = static_cast<double>(own.size());
  Estimate estimate;
  estimate.value = kPercent * (gained - lost) / n;
  estimate.method = clustered(clusters, "Tango", effect);
  for (const double confidence : settings.confidences_pct) {
    Interval interval = tango(gained / effect, lost / effect, n / effect, confidence);
    scale(interval, kPercent);
    estimate.intervals.push_back({confidence, interval});
  }
  return estimate;
}

Estimate bootstrapped(const Clusters& clusters, size_t samples, const Bootstrap::Statistic& statistic,
                      const Estimate& instead, const StatisticsSettings& settings) {
  const size_t units = clusters.of.empty() ? samples : clusters.count;
  const Bootstrap bootstrap(units, statistic, settings.seed, settings.resamples);
  Estimate estimate;
  estimate.value = bootstrap.value();
  estimate.method =
      "BCa over " + std::to_string(units) + (clusters.of.empty() ? " " + clusters.unit + "s" : " clusters");
  if (!bootstrap.interval(95) || bootstrap.all_alike()) {
    estimate.method = instead.method;
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

}  // namespace vetquant
