// Clipping that makes the least mean squared error: what lies within is rounded, which costs step^2 / 12, what lies beyond
// moves to the end. Zeros cost nothing. Ends are searched on a grid of a hundredth of the values' extremes: first both
// at once, then one after the other. (Banner, Nahshan, Soudry 2019, section 3; here the histogram is the density.)
#include <algorithm>
#include <cmath>

#include "range_methods.h"

namespace vetquant::quant {
namespace {

constexpr int kGrid = 100;

class ExpectedError {
 public:
  ExpectedError(const ActivationObserver& seen, int bits) : seen_(seen), steps_(std::ldexp(1.0, bits) - 1) {
    const GrowingHistogram& histogram = seen.histogram();
    for (size_t i = 0; i < histogram.counts().size(); ++i) {
      if (histogram.counts()[i] == 0) continue;
      places_.push_back(histogram.low_of(i) + histogram.width() / 2);
      counts_.push_back(static_cast<double>(histogram.counts()[i]));
    }
  }

  // Sum over all values. low <= 0 <= high.
  double of(double low, double high) const {
    const double step = (high - low) / steps_;
    double beyond = 0, clipped = 0;
    for (size_t i = 0; i < places_.size(); ++i) {
      const double distance = places_[i] < low ? low - places_[i] : places_[i] > high ? places_[i] - high : 0;
      if (distance == 0) continue;
      beyond += counts_[i] * distance * distance;
      clipped += counts_[i];
    }
    const double rounded = static_cast<double>(seen_.finite() - seen_.zeros()) - clipped;
    return beyond + std::max(0.0, rounded) * step * step / 12;
  }

 private:
  const ActivationObserver& seen_;
  double steps_;
  std::vector<double> places_, counts_;
};

}  // namespace

ActivationRange mse_range(const ActivationObserver& seen, const RangeSettings& settings) {
  const ExpectedError error(seen, settings.bits);
  double least_low = std::min(0.0, static_cast<double>(seen.minimum()));
  double most_high = std::max(0.0, static_cast<double>(seen.maximum()));
  if (settings.symmetry == Symmetry::kSymmetric) {
    most_high = std::max(-least_low, most_high);
    least_low = -most_high;
  }
  int best_low = kGrid, best_high = kGrid;
  const auto at = [&](int low, int high) { return error.of(least_low * low / kGrid, most_high * high / kGrid); };
  double least = at(kGrid, kGrid);
  const auto try_ends = [&](int low, int high) {
    const double loss = at(low, high);
    if (!(loss < least)) return;
    least = loss;
    best_low = low;
    best_high = high;
  };
  for (int share = kGrid - 1; share > 0; --share) try_ends(share, share);
  if (settings.symmetry == Symmetry::kAsymmetric) {
    const int joint = best_high;
    for (int share = kGrid; share > 0; --share) try_ends(joint, share);
    const int high = best_high;
    for (int share = kGrid; share > 0; --share) try_ends(share, high);
  }
  return {static_cast<float>(least_low * best_low / kGrid), static_cast<float>(most_high * best_high / kGrid)};
}

}  // namespace vetquant::quant
