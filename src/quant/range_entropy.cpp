// Clipping that loses least information: Migacz, "8-bit inference with TensorRT", GTC 2017, slides 37 to 39.
//
// For each candidate threshold of i intervals of |x|: P is the distribution with all that lies beyond added to its last
// interval; Q is what 2^(bits-1) levels make of the first i intervals, each level's values spread evenly over its
// non-empty intervals. The threshold with the least KL(P || Q) wins, the widest where some are equal. As in NVIDIA's
// pytorch-quantization, the interval of 0 counts like its neighbour: zeros are exact at any scale, and would outweigh all.
#include <algorithm>
#include <cmath>
#include <limits>

#include "range_methods.h"

namespace vetquant::quant {
namespace {

constexpr size_t kMostCandidates = 256;

// Q, not normalised: `levels` runs of intervals as equal in length as can be.
std::vector<double> as_quantized(const std::vector<uint64_t>& counts, size_t intervals, size_t levels) {
  std::vector<double> quantized(intervals, 0);
  for (size_t level = 0; level < levels; ++level) {
    const size_t begin = level * intervals / levels, end = (level + 1) * intervals / levels;
    uint64_t sum = 0, used = 0;
    for (size_t i = begin; i < end; ++i) {
      sum += counts[i];
      used += counts[i] > 0 ? 1 : 0;
    }
    for (size_t i = begin; i < end; ++i) {
      if (counts[i] > 0) quantized[i] = static_cast<double>(sum) / static_cast<double>(used);
    }
  }
  return quantized;
}

// In nats; infinite where Q has nothing in a place in which P has something.
double divergence(const std::vector<uint64_t>& counts, uint64_t total, size_t intervals, size_t levels) {
  const std::vector<double> quantized = as_quantized(counts, intervals, levels);
  uint64_t inside = 0;
  for (size_t i = 0; i < intervals; ++i) inside += counts[i];
  double sum = 0;
  for (size_t i = 0; i < intervals; ++i) {
    const uint64_t outliers = i + 1 == intervals ? total - inside : 0;
    const double p = static_cast<double>(counts[i] + outliers) / static_cast<double>(total);
    if (p == 0) continue;
    if (quantized[i] == 0) return std::numeric_limits<double>::infinity();
    sum += p * std::log(p * static_cast<double>(inside) / quantized[i]);
  }
  return sum;
}

}  // namespace

ActivationRange entropy_range(const ActivationObserver& seen, const RangeSettings& settings) {
  auto [counts, width] = magnitudes(seen.histogram());
  if (counts.size() > 1) counts[0] = counts[1];
  uint64_t total = 0;
  for (const uint64_t count : counts) total += count;
  const size_t levels = size_t{1} << (settings.bits - 1);
  const float largest = std::max(std::abs(seen.minimum()), std::abs(seen.maximum()));
  float most = largest;
  if (counts.size() > levels && total > 0) {  // else every interval has a level of its own
    const size_t step = std::max<size_t>(1, (counts.size() - levels) / kMostCandidates);
    double least = divergence(counts, total, counts.size(), levels);
    for (size_t intervals = levels; intervals < counts.size(); intervals += step) {
      const double loss = divergence(counts, total, intervals, levels);
      if (!(loss < least)) continue;
      least = loss;
      most = static_cast<float>(static_cast<double>(intervals) * width);
    }
  }
  most = std::min(most, largest);
  if (settings.symmetry == Symmetry::kSymmetric) return {-most, most};
  return {std::max(seen.minimum(), -most), std::min(seen.maximum(), most)};
}

}  // namespace vetquant::quant
