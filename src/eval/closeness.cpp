#include "vetquant/eval/closeness.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "vetquant/core/error.h"

namespace vetquant {
namespace {

void count_decisions(const HostTensor& base, const std::vector<double>& expected, const std::vector<double>& found,
                     const double* threshold, Closeness& sum) {
  if (threshold || !is_float(base.dtype)) {
    sum.decisions += expected.size();
    for (size_t i = 0; i < expected.size(); ++i) {
      const bool same = threshold ? (expected[i] >= *threshold) == (found[i] >= *threshold) : expected[i] == found[i];
      sum.agreed += same ? 1 : 0;
    }
    return;
  }
  const auto width = base.shape.empty() ? 1 : static_cast<size_t>(base.shape.back());
  if (width < 2) return;
  for (size_t row = 0; row + width <= expected.size(); row += width) {
    const auto best = [&](const std::vector<double>& values) {
      size_t at = 0;
      for (size_t i = 1; i < width; ++i) at = values[row + i] > values[row + at] ? i : at;
      return at;
    };
    ++sum.decisions;
    sum.agreed += best(expected) == best(found) ? 1 : 0;
  }
}

using Figure = std::function<double(const Closeness&)>;

// The mean over samples. Where all are alike (nothing disagreed) the bootstrap's width is 0: shares then take the exact
// interval of as many trials as there are units.
Estimate mean_over_samples(const TestSet& set, const std::vector<Closeness>& samples, const Figure& figure,
                           double full_share, const StatisticsSettings& settings) {
  const size_t units = set.clusters.empty() ? samples.size() : set.cluster_count;
  std::vector<double> sum(units, 0), count(units, 0);
  for (size_t i = 0; i < samples.size(); ++i) {
    const size_t unit = set.clusters.empty() ? i : set.clusters[i];
    sum[unit] += figure(samples[i]);
    count[unit] += 1;
  }
  const Bootstrap bootstrap(
      units,
      [&](std::span<const uint32_t> times) {
        Sum total, number;
        for (size_t u = 0; u < units; ++u) {
          total.add(times[u] * sum[u]);
          number.add(times[u] * count[u]);
        }
        return total.value() / number.value();
      },
      settings.seed, settings.resamples);
  Estimate estimate;
  estimate.value = bootstrap.value();
  const std::string of_units =
      std::to_string(units) + " " + (set.clusters.empty() ? set.unit + (units == 1 ? "" : "s") : "clusters");
  const bool certain = full_share > 0 && estimate.value >= full_share;
  estimate.method = certain                  ? "Clopper-Pearson, no disagreement in " + of_units
                    : bootstrap.interval(95) ? "BCa over " + of_units
                                             : of_units + ": too few for an interval";
  for (const double confidence : settings.confidences_pct) {
    if (certain) {
      const Interval exact = clopper_pearson(static_cast<double>(units), static_cast<double>(units), confidence);
      estimate.intervals.push_back({confidence, {full_share * exact.low, full_share * exact.high}});
    } else if (const auto interval = bootstrap.interval(confidence)) {
      estimate.intervals.push_back({confidence, *interval});
    }
  }
  return estimate;
}

Metric single(const std::string& key, const std::string& output, double value, const std::string& method) {
  return {key, output, "", Better::kLower, Estimate{value, {}, method, false}, std::nullopt, std::nullopt};
}

}  // namespace

double Closeness::sqnr_db() const {
  if (noise == 0 && broken == 0) return kMostSqnrDb;
  if (signal == 0 || broken > 0) return -kMostSqnrDb;
  return std::clamp(10 * std::log10(signal / noise), -kMostSqnrDb, kMostSqnrDb);
}

double Closeness::cosine() const {
  if (broken > 0) return 0;
  if (signal == 0 && own_square == 0) return 1;
  const double norm = std::sqrt(signal) * std::sqrt(own_square);
  return norm > 0 ? std::clamp(dot / norm, -1.0, 1.0) : 0;
}

double Closeness::mean_error() const { return elements ? error_sum / static_cast<double>(elements) : 0; }

double Closeness::agreement() const {
  return decisions ? 100 * static_cast<double>(agreed) / static_cast<double>(decisions) : 100;
}

void add_closeness(const HostTensor& base, const HostTensor& own, const double* threshold, const std::string& name,
                   Closeness& sum) {
  if (base.shape != own.shape) {
    throw Error(ErrorCode::kGate,
                "output '" + name + "' is " + describe(own) + " where the baseline gives " + describe(base));
  }
  const std::vector<double> expected = to_doubles(base), found = to_doubles(own);
  Sum signal, noise, dot, square, error;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double e = expected[i], f = found[i];
    if (!std::isfinite(e)) continue;  // masks of -inf and the like carry no signal
    ++sum.elements;
    if (!std::isfinite(f)) {
      ++sum.broken;
      continue;
    }
    const double d = f - e;
    signal.add(e * e);
    noise.add(d * d);
    dot.add(e * f);
    square.add(f * f);
    error.add(std::abs(d));
    sum.error_max = std::max(sum.error_max, std::abs(d));
  }
  sum.signal += signal.value();
  sum.noise += noise.value();
  sum.dot += dot.value();
  sum.own_square += square.value();
  sum.error_sum += error.value();
  count_decisions(base, expected, found, threshold, sum);
}

std::vector<Metric> closeness_metrics(const TestSet& set, const std::map<std::string, std::vector<Closeness>>& samples,
                                      const StatisticsSettings& settings) {
  std::vector<Metric> metrics;
  for (const auto& [output, list] : samples) {
    const auto mean = [&, &all = list, &name = output](const std::string& key, const std::string& unit, Better better,
                                                       const Figure& figure, double full_share) {
      metrics.push_back({key, name, unit, better, mean_over_samples(set, all, figure, full_share, settings),
                         std::nullopt, std::nullopt});
    };
    double error_max = 0;
    uint64_t decisions = 0, broken = 0;
    for (const Closeness& one : list) {
      error_max = std::max(error_max, one.error_max);
      decisions += one.decisions;
      broken += one.broken;
    }
    mean("sqnr_db", "dB", Better::kHigher, &Closeness::sqnr_db, 0);
    mean("cosine", "", Better::kHigher, &Closeness::cosine, 0);
    metrics.push_back(single("max_error", output, error_max, "the largest of all samples"));
    mean("mean_error", "", Better::kLower, &Closeness::mean_error, 0);
    if (decisions > 0) mean("agreement", "%", Better::kHigher, &Closeness::agreement, 100);
    metrics.push_back(single("broken", output, static_cast<double>(broken), "a count of NaN and Inf"));
  }
  return metrics;
}

}  // namespace vetquant
