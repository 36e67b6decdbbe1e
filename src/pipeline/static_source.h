// What static activations need before planning: their ranges, and a float model that is fit to be quantized.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/pipeline/pipeline.h"
#include "vetquant/quant/activation_statistics.h"

namespace vetquant {

bool asks_for_static_activations(const Policy& policy);

struct StaticSource {
  Source source;  // opset raised where pairs of QuantizeLinear and DequantizeLinear need it, BatchNormalization folded
  std::shared_ptr<const quant::ActivationStatistics> statistics;
  std::vector<std::string> steps;
};

// Error{kUsage}: no calibration, or the statistics of another model. Errors of read_statistics and raise_opset.
StaticSource make_static_source(const Request& request, const Source& source, const Policy& policy,
                                const TargetProfile& target);

}  // namespace vetquant
