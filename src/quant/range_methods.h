// One function for each method of choosing a range. `seen` holds at least one finite value, and more than one.
#pragma once

#include <vector>

#include "vetquant/quant/activation_range.h"

namespace vetquant::quant {

ActivationRange percentile_range(const ActivationObserver& seen, const RangeSettings& settings);
ActivationRange entropy_range(const ActivationObserver& seen, const RangeSettings& settings);
ActivationRange mse_range(const ActivationObserver& seen, const RangeSettings& settings);

// The histogram of |x|: counts[i] values in [i width, (i+1) width), at most GrowingHistogram::kBins of them.
struct Magnitudes {
  std::vector<uint64_t> counts;
  double width = 0;
};
Magnitudes magnitudes(const GrowingHistogram& histogram);

}  // namespace vetquant::quant
