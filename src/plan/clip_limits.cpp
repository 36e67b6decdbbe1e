#include "clip_limits.h"

#include <onnx/onnx_pb.h>

#include <limits>

namespace vetquant::plan {

std::optional<quant::ActivationRange> clip_limits(const FormContext& context, const NodeInfo& node) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (node.proto->op_type() == "Relu") return quant::ActivationRange{0, kInfinity};
  float limits[] = {float_attribute(*node.proto, "min", -kInfinity), float_attribute(*node.proto, "max", kInfinity)};
  for (size_t i = 1; i < node.inputs.size() && i < 3; ++i) {
    if (!node.inputs[i].valid()) continue;
    const std::optional<TensorView> view = context.constants.find(node.inputs[i]);
    if (!view || view->elements() != 1 || !is_float(view->dtype())) return std::nullopt;
    read_floats(*view, Box::whole(*view), std::span(&limits[i - 1], 1));
  }
  return quant::ActivationRange{limits[0], limits[1]};
}

}  // namespace vetquant::plan
