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

std::optional<RangeMethod> range_method(std::string_view name) {
  for (const RangeMethod method :
       {RangeMethod::kMinMax, RangeMethod::kPercentile, RangeMethod::kEntropy, RangeMethod::kMse, RangeMethod::kMean}) {
    if (name == name_of(method)) return method;
  }
  return std::nullopt;
}

}  // namespace vetquant::quant
