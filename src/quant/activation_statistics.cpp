#include "vetquant/quant/activation_statistics.h"

namespace vetquant::quant {

std::string_view name_of(RangeMethod method) {
  switch (method) {
    case RangeMethod::kMinMax:
      return "minmax";
    case RangeMethod::kPercentile:
      return "percentile";
    case RangeMethod::kEntropy:
      return "entropy";
    case RangeMethod::kMse:
      return "mse";
    case RangeMethod::kMean:
      return "mean";
  }
  return "unknown";
}

}  // namespace vetquant::quant
