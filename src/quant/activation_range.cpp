#include "vetquant/quant/activation_range.h"

#include <algorithm>
#include <cmath>

#include "range_methods.h"

namespace vetquant::quant {
namespace {

constexpr size_t kShownBins = 128;

ActivationRange asked_range(const ActivationObserver& seen, const RangeSettings& settings) {
  switch (settings.method) {
    case RangeMethod::kMinMax:
      return {seen.minimum(), seen.maximum()};
    case RangeMethod::kMean:
      return {static_cast<float>(seen.mean_minimum()), static_cast<float>(seen.mean_maximum())};
    case RangeMethod::kPercentile:
      return percentile_range(seen, settings);
    case RangeMethod::kEntropy:
      return entropy_range(seen, settings);
    case RangeMethod::kMse:
      return mse_range(seen, settings);
  }
  return {};
}

// Neighbours added up until there are few enough for people, still on multiples of a power of two.
Histogram shown(const GrowingHistogram& histogram) {
  const std::vector<uint64_t>& counts = histogram.counts();
  const int64_t first = histogram.first(), last = first + static_cast<int64_t>(counts.size()) - 1;
  int shift = 0;
  while ((last >> shift) - (first >> shift) >= static_cast<int64_t>(kShownBins)) ++shift;
  Histogram result;
  result.low = std::ldexp(static_cast<double>(first >> shift), histogram.exponent() + shift);
  result.high = std::ldexp(static_cast<double>((last >> shift) + 1), histogram.exponent() + shift);
  result.counts.resize(static_cast<size_t>((last >> shift) - (first >> shift) + 1), 0);
  for (size_t i = 0; i < counts.size(); ++i)
    result.counts[static_cast<size_t>(((first + static_cast<int64_t>(i)) >> shift) - (first >> shift))] += counts[i];
  return result;
}

}  // namespace

Magnitudes magnitudes(const GrowingHistogram& histogram) {
  const std::vector<uint64_t>& counts = histogram.counts();
  const auto magnitude = [](int64_t place) { return place >= 0 ? place : -place - 1; };
  const int64_t last = histogram.first() + static_cast<int64_t>(counts.size()) - 1;
  const int64_t farthest = std::max(magnitude(histogram.first()), magnitude(last));
  int shift = 0;  // values far from 0 lie within few intervals, but those from 0 on are many
  while ((farthest >> shift) >= static_cast<int64_t>(GrowingHistogram::kBins)) ++shift;
  Magnitudes result;
  result.width = std::ldexp(histogram.width(), shift);
  result.counts.resize(static_cast<size_t>((farthest >> shift) + 1), 0);
  for (size_t i = 0; i < counts.size(); ++i)
    result.counts[static_cast<size_t>(magnitude(histogram.first() + static_cast<int64_t>(i)) >> shift)] += counts[i];
  return result;
}

std::optional<ActivationRange> choose_range(const ActivationObserver& seen, const RangeSettings& settings) {
  if (seen.finite() == 0) return std::nullopt;
  const bool constant = seen.minimum() == seen.maximum();
  ActivationRange range = constant ? ActivationRange{seen.minimum(), seen.maximum()} : asked_range(seen, settings);
  if (settings.symmetry == Symmetry::kSymmetric) {
    const float most = std::max(std::abs(range.low), std::abs(range.high));
    return ActivationRange{-most, most};
  }
  range.low = std::clamp(range.low, seen.minimum(), seen.maximum());
  range.high = std::clamp(range.high, range.low, seen.maximum());
  return range;
}

TensorStatistics statistics_of(const ActivationObserver& seen, const RangeSettings& settings) {
  TensorStatistics result;
  result.range = choose_range(seen, settings);
  result.minimum = seen.minimum();
  result.maximum = seen.maximum();
  result.mean = seen.mean();
  result.deviation = seen.deviation();
  result.values = seen.values();
  result.nans = seen.nans();
  result.infinities = seen.infinities();
  if (seen.finite() > 0) result.histogram = shown(seen.histogram());
  return result;
}

}  // namespace vetquant::quant
