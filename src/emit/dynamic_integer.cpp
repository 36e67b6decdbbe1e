// Activations rounded to uint8 at run time, one scale for the whole tensor, times int8 codes. The order of the Mul nodes
// is the one that ONNX Runtime fuses to DynamicQuantizeMatMul (one reader) or MatMulIntegerToFloat (several).
#include "broadcast_layout.h"
#include "forms.h"
#include "products.h"
#include "vetquant/core/error.h"

namespace vetquant {
namespace {

struct QuantizedActivation {
  std::string codes, scale, zero_point;
};

// One for each activation and scope: what reads the same value shares it.
QuantizedActivation quantized(EmitContext& context, NodeWriter& writer, const PlannedNode& node,
                              const Product& product) {
  std::vector<std::string>& made =
      context.scope_cache(context.index().node(node.node).scope,
                          std::string(product.x_transposed ? "transposed " : "") + "quantized " + product.x);
  if (made.empty()) {
    made = writer.op_with_outputs("DynamicQuantizeLinear", {left_factor(writer, product)},
                                  {"x_codes", "x_scale", "x_zero_point"});
  }
  return {made[0], made[1], made[2]};
}

CodesLayout codes_layout(const EmitContext& context, const PlannedNode& node, const Product& product) {
  const PlannedTensor& weight = *product.weight;
  CodesLayout layout = broadcast_layout(weight);
  const size_t rank = weight.view.shape().size();
  if (product.weight_transposed || rank < 2 || bits_of(weight.spec.code_type) != 8 || weight.layout.block_axis >= 0) {
    throw Error(ErrorCode::kInternal, "form dynamic_integer wants 8-bit codes [K, N] without blocks", weight.name);
  }
  const bool per_column = !weight.layout.channel_axes.empty();
  if (per_column && weight.layout.channel_axes.back() + 1 != static_cast<int>(rank)) {
    context.refuse(node.node,
                   "form dynamic_integer takes one scale for the tensor or for each output channel; the axis of the "
                   "policy is neither");
  }
  if (!has_zero_point(weight.spec)) return layout;
  if (weight.spec.zero_point == ZeroPointKind::kFloat || (rank > 2 && per_column)) {
    context.refuse(node.node,
                   "form dynamic_integer takes integer zero points, one for each column of a matrix; use symmetric: "
                   "true and int8");
  }
  layout.zero_point = layout.scale;
  layout.zero_point_type = weight.spec.code_type;
  return layout;
}

}  // namespace

void emit_dynamic_integer(EmitContext& context, const PlannedNode& node) {
  const Product product = product_of(context, node, Form::kDynamicInteger);
  const CodesLayout layout = codes_layout(context, node, product);
  const bool contrib = context.opset(node.node) < 11;  // DynamicQuantizeLinear is of opset 11
  if (contrib) context.need_contrib(node.node, Form::kDynamicInteger);
  const StoredCodes& stored = context.store_codes(*product.weight, layout);
  const std::string weight_scale = scale_with_alpha(context, product, stored.scale);
  NodeWriter writer = context.before(node.node);

  std::string value;
  if (contrib) {
    std::vector<std::string> inputs{left_factor(writer, product), stored.codes, weight_scale};
    if (layout.zero_point) inputs.push_back(stored.zero_point);
    value = writer.op("DynamicQuantizeMatMul", inputs, kContribDomain);
  } else {
    const QuantizedActivation x = quantized(context, writer, node, product);
    std::vector<std::string> inputs{x.codes, stored.codes, x.zero_point};
    if (layout.zero_point) inputs.push_back(stored.zero_point);
    const std::string sum = writer.cast(writer.op("MatMulInteger", inputs), DType::kFloat32);
    value = writer.op("Mul", {sum, writer.op("Mul", {x.scale, weight_scale})});
  }
  if (!product.bias.empty()) value = writer.op("Add", {value, scaled_bias(writer, product)});
  finish_product(context, writer, node, product, value);
}

}  // namespace vetquant
