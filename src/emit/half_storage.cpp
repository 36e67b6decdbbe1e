// Halves and a Cast, which ONNX Runtime folds at load.
#include "forms.h"

namespace vetquant {

std::string half_storage_value(EmitContext& context, const PlannedTensor& tensor) {
  if (tensor.stored_type == DType::kBfloat16) context.need_opset(tensor.uses.front().node, 13, "Cast from bf16");
  const std::string stored = context.store_halves(tensor);
  NodeWriter writer = context.at_start(tensor);
  return writer.as(stored, tensor.stored_type, tensor.view.dtype());
}

}  // namespace vetquant
