// The operators through which a constant stays a view of its stored tensor.
#pragma once

#include <onnx/onnx_pb.h>

#include <optional>
#include <vector>

#include "vetquant/model/tensor_view.h"

namespace vetquant {

// Inputs as the node lists them; null where omitted or not constant. nullopt where the operator is none of these, or
// the result is no view. Reads the small integer tensors that say shape, axes, starts ...
std::optional<TensorView> apply_constant_step(const onnx::NodeProto& node,
                                              const std::vector<const TensorView*>& inputs);

// Only Concat has more than one input that is data.
bool all_inputs_are_data(const onnx::NodeProto& node);

}  // namespace vetquant
