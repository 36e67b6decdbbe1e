// Codes + DequantizeLinear, which ONNX Runtime runs at every call. Both stand in the scope that owns the tensor: a
// DequantizeLinear inside an If whose codes lie outside does not load before a MatMul (docs/forms.md).
#include "broadcast_layout.h"
#include "forms.h"

namespace vetquant {
namespace {

bool is_per_axis(const PlannedTensor& tensor) {
  return !tensor.layout.channel_axes.empty() || tensor.layout.block_axis >= 0;
}

// The standard operator's scales: none, one axis, or blocks along one axis with every other axis in full.
void check_granularity(const EmitContext& context, const PlannedTensor& tensor) {
  const size_t channels = tensor.layout.channel_axes.size();
  const bool blocked = tensor.layout.block_axis >= 0;
  if (blocked ? channels + 1 == tensor.view.shape().size() : channels <= 1) return;
  context.refuse(tensor.uses.front().node,
                 "DequantizeLinear takes one scale for a tensor, for each index of one axis, or for blocks along one "
                 "axis; use form fold_at_load");
}

int64_t standard_opset(const PlannedTensor& tensor) {
  if (tensor.layout.block_axis >= 0 || bits_of(tensor.spec.code_type) == 4) return 21;
  return is_per_axis(tensor) ? 13 : 10;
}

}  // namespace

std::string dequantize_value(EmitContext& context, const PlannedTensor& tensor) {
  const NodeId user = tensor.uses.front().node;
  check_granularity(context, tensor);
  const bool standard = context.opset(user) >= standard_opset(tensor);
  if (!standard) {
    if (tensor.layout.block_axis >= 0) context.need_opset(user, 21, "DequantizeLinear by block");
    context.need_contrib(user, Form::kDequantize);
  }
  const Shape scales = scale_shape(tensor.view.shape(), tensor.layout);
  CodesLayout layout;
  layout.code_type = tensor.spec.code_type;
  layout.codes = tensor.view.shape();
  layout.scale = scales;
  if (has_zero_point(tensor.spec) || tensor.form == Form::kQdq) {  // integer kernels want one, even where it is 0
    layout.zero_point = scales;
    layout.zero_point_type = tensor.spec.code_type;
    if (tensor.spec.zero_point == ZeroPointKind::kFloat)
      context.refuse(user, "DequantizeLinear takes integer zero points only; use form fold_at_load");
  }
  const StoredCodes& stored = context.store_codes(tensor, layout);
  NodeWriter writer = context.at_start(tensor);
  std::vector<std::string> inputs{stored.codes, stored.scale};
  if (layout.zero_point) inputs.push_back(stored.zero_point);
  const std::string value = writer.op("DequantizeLinear", inputs, standard ? "" : kContribDomain);
  if (tensor.layout.block_axis >= 0) {
    set_int(writer.last(), "axis", tensor.layout.block_axis);
    set_int(writer.last(), "block_size", tensor.layout.block_size);
  } else if (is_per_axis(tensor)) {
    set_int(writer.last(), "axis", tensor.layout.channel_axes.front());
  }
  return writer.as(value, DType::kFloat32, tensor.view.dtype());
}

}  // namespace vetquant
