// Codes and the arithmetic that makes floats of them: Cast, Sub, Mul (and Reshape for blocks). ONNX Runtime folds the
// whole chain when it loads the model, at every opset from 7 and in every kind of scope (docs/forms.md).
#include "broadcast_layout.h"
#include "forms.h"

namespace vetquant {

std::string fold_at_load_value(EmitContext& context, const PlannedTensor& tensor) {
  const StoredCodes& stored = context.store_codes(tensor, broadcast_layout(tensor));
  NodeWriter writer = context.at_start(tensor);
  std::string value = writer.op("Mul", {centred_codes(writer, tensor, stored), stored.scale});
  if (tensor.layout.block_axis >= 0) value = writer.reshape(value, tensor.view.shape());
  return writer.as(value, DType::kFloat32, tensor.view.dtype());
}

}  // namespace vetquant
