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

Estimate rate(const Clusters& clusters, const std::vector<double>& over, const std::vector<double>& under,
              const StatisticsSettings& settings) {
  const bool alone = clusters.of.empty();
  const size_t units = alone ? over.size() : clusters.count;
  std::vector<double> above(units), below(units);
  for (size_t i = 0; i < over.size(); ++i) {
    above[alone ? i : clusters.of[i]] += over[i];
    below[alone ? i : clusters.of[i]] += under[i];
  }
  Sum events, trials;
  for (const double value : above) events.add(value);
  for (const double value : below) trials.add(value);
  const double share = events.value() / trials.value();
  Sum spread;  // between units, against that of independent trials
  for (size_t u = 0; u < units; ++u) spread.add((above[u] - share * below[u]) * (above[u] - share * below[u]));
  const double n = static_cast<double>(units), independent = trials.value() * share * (1 - share);
  const double effect = independent > 0 ? std::max(1.0, n / (n - 1) * spread.value() / independent) : 1;
  const RateBootstrap bootstrap(above, below, settings.seed, settings.resamples);
  Estimate estimate;
  estimate.value = kPercent * share;
  estimate.method = clustered(clusters, "Korn-Graubard and bootstrap-t", effect);
  for (const double confidence : settings.confidences_pct) {
    const auto drawn = bootstrap.interval(confidence);
    if (!drawn) continue;
    Interval interval =
        clopper_pearson(std::min(events.value(), trials.value()) / effect, trials.value() / effect, confidence);
    if (std::isfinite(drawn->low)) interval.low = std::min(interval.low, std::max(0.0, drawn->low));
    if (std::isfinite(drawn->high)) interval.high = std::max(interval.high, drawn->high);
    scale(interval, kPercent);
    estimate.intervals.push_back({confidence, interval});
  }
  return estimate;
}

Estimate proportion(const Clusters& clusters, const std::vector<double>& right, const StatisticsSettings& settings) {
  if (!clusters.of.empty() && clusters.count >= Bootstrap::kLeastUnits) {
    Estimate estimate = rate(clusters, right, std::vector<double>(right.size(), 1.0), settings);
    for (auto& entry : estimate.intervals) entry.interval.high = std::min(entry.interval.high, kPercent);
    return estimate;
  }
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

Estimate paired_rate_difference(const Clusters& clusters, const std::vector<double>& changes, double total,
                                const StatisticsSettings& settings) {
  double gained = 0, lost = 0;
  Sum sum, squares;
  for (const double change : changes) {
    gained += change > 0 ? 1 : 0;
    lost += change < 0 ? 1 : 0;
    sum.add(change);
    squares.add(change * change);
  }
  const double effect = design_effect(changes, clusters.of), n = static_cast<double>(changes.size());
  const double size = gained + lost > 0 ? std::sqrt(squares.value() / (gained + lost)) : 1;
  const double points = kPercent * size * n / total, middle = (gained - lost) / n;
  Estimate estimate;
  estimate.value = kPercent * sum.value() / total;
  estimate.method = clustered(clusters, "Tango of changes", effect);
  for (const double confidence : settings.confidences_pct) {
    const Interval signs = tango(gained / effect, lost / effect, n / effect, confidence);
    estimate.intervals.push_back(
        {confidence,
         {estimate.value + points * (signs.low - middle), estimate.value + points * (signs.high - middle)}});
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
