// Which range of an activation codes shall represent, chosen from its streamed statistics.
//
//   minmax      [minimum, maximum]
//   mean        [mean of the samples' minima, mean of the samples' maxima]: a plain mean, each sample counting once
//   percentile  asymmetric: (100 - p) / 2 % of the values lie below, as many above; symmetric: p % of |x| lie within
//   entropy     clips where the Kullback-Leibler divergence between the distribution and its quantized form is least
//               (Migacz 2017, "8-bit inference with TensorRT")
//   mse         clips where rounding and clipping together make the least mean squared error (Banner et al. 2019,
//               "Post training 4-bit quantization", section 3, on the histogram in place of a fitted density)
//
// Symmetric: [-t, t]. No range is wider than the values seen (symmetric: than the largest of |x|). Percentile, entropy and mse
// know values to the width of an interval of the histogram: at most 1/2048 of their spread or, for entropy and whatever is
// symmetric, of the largest |x|.
#pragma once

#include <optional>

#include "vetquant/quant/activation_observer.h"
#include "vetquant/quant/activation_statistics.h"

namespace vetquant::quant {

// nullopt where no finite value was seen.
std::optional<ActivationRange> choose_range(const ActivationObserver& seen, const RangeSettings& settings);

// All that a statistics file says of the activation; the histogram has at most 128 intervals.
TensorStatistics statistics_of(const ActivationObserver& seen, const RangeSettings& settings);

}  // namespace vetquant::quant
