// com.microsoft DynamicQuantizeLSTM. Its W and R are transposed against LSTM's: [directions, input, 4 * hidden] and
// [directions, hidden, 4 * hidden], with scales and zero points [directions, 4 * hidden] or [directions].
#include "forms.h"
#include "vetquant/core/error.h"

namespace vetquant {
namespace {

const StoredCodes& store(EmitContext& context, const PlannedNode& node, int input) {
  const PlannedTensor* tensor = context.tensor_at(node, input);
  const std::string& address = context.index().node(node.node).address;
  if (tensor == nullptr) {
    context.refuse(node.node, "form dynamic_lstm needs both W and R as constants; use form fold_at_load");
  }
  const ScaleLayout per_channel{.channel_axes = {0, 2}}, per_direction{.channel_axes = {0}};
  if (!EmitContext::use_at(*tensor, node.node, input).transposed || tensor->view.shape().size() != 3 ||
      bits_of(tensor->spec.code_type) != 8 || (tensor->layout != per_channel && tensor->layout != per_direction)) {
    throw Error(ErrorCode::kInternal,
                "form dynamic_lstm wants 8-bit codes [directions, depth, 4 * hidden] per channel or direction",
                address);
  }
  if (tensor->spec.zero_point == ZeroPointKind::kFloat)
    context.refuse(node.node, "form dynamic_lstm takes integer zero points only");
  CodesLayout layout;
  layout.code_type = tensor->spec.code_type;
  layout.codes = tensor->view.shape();
  layout.scale = scale_shape(layout.codes, tensor->layout);
  layout.zero_point = layout.scale;  // required by the operator, zeros too
  layout.zero_point_type = layout.code_type;
  return context.store_codes(*tensor, layout);
}

}  // namespace

void emit_dynamic_lstm(EmitContext& context, const PlannedNode& node) {
  const onnx::NodeProto& proto = context.editor().node(node.node);
  if (proto.op_type() != "LSTM") {
    throw Error(ErrorCode::kInternal, "form dynamic_lstm is planned for " + proto.op_type(),
                context.index().node(node.node).address);
  }
  if (int_attribute(proto, "layout", 0) != 0)
    context.refuse(node.node, "form dynamic_lstm has no layout 1; use form fold_at_load");
  context.need_contrib(node.node, Form::kDynamicLstm);
  const StoredCodes &w = store(context, node, 1), &r = store(context, node, 2);
  if (context.tensor_at(node, 1)->view.dtype() != DType::kFloat32) {
    context.refuse(node.node, "form dynamic_lstm takes float activations, this LSTM has " +
                                  std::string(name_of(context.tensor_at(node, 1)->view.dtype())) +
                                  "; use form fold_at_load");
  }
  std::vector<std::string> inputs(proto.input().begin(), proto.input().end());
  inputs.resize(8);  // X W R B sequence_lens initial_h initial_c P
  inputs[1] = w.codes;
  inputs[2] = r.codes;
  inputs.insert(inputs.end(), {w.scale, w.zero_point, r.scale, r.zero_point});
  onnx::NodeProto& lstm = context.editor().add_node(context.editor().before(node.node), "DynamicQuantizeLSTM", inputs,
                                                    {proto.output().begin(), proto.output().end()}, kContribDomain);
  lstm.set_name(proto.name());
  for (const auto& attribute : proto.attribute()) {
    if (attribute.name() != "layout") *lstm.add_attribute() = attribute;
  }
  context.editor().remove_node(node.node);
}

}  // namespace vetquant
