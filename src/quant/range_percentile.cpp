// The range that keeps a share of the values.
#include <algorithm>
#include <cmath>

#include "range_methods.h"

namespace vetquant::quant {
namespace {

// The least n such that at least `share` of all lie in the first n intervals.
size_t intervals_holding(const std::vector<uint64_t>& counts, uint64_t total, double share) {
  const double wanted = share * static_cast<double>(total);
  uint64_t sum = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    sum += counts[i];
    if (static_cast<double>(sum) >= wanted) return i + 1;
  }
  return counts.size();
}

}  // namespace

ActivationRange percentile_range(const ActivationObserver& seen, const RangeSettings& settings) {
  const GrowingHistogram& histogram = seen.histogram();
  if (settings.symmetry == Symmetry::kSymmetric) {
    const Magnitudes all = magnitudes(histogram);
    const size_t within = intervals_holding(all.counts, seen.finite(), settings.percentile / 100);
    const auto most = static_cast<float>(static_cast<double>(within) * all.width);
    const float largest = std::max(std::abs(seen.minimum()), std::abs(seen.maximum()));
    return {-std::min(most, largest), std::min(most, largest)};
  }
  const double one_side = 1 - (100 - settings.percentile) / 200;
  std::vector<uint64_t> backwards(histogram.counts().rbegin(), histogram.counts().rend());
  const size_t from_below = intervals_holding(histogram.counts(), seen.finite(), one_side);
  const size_t from_above = intervals_holding(backwards, seen.finite(), one_side);
  return {static_cast<float>(histogram.low_of(backwards.size() - from_above)),
          static_cast<float>(histogram.low_of(from_below))};
}

}  // namespace vetquant::quant
