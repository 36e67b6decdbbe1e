// com.microsoft MatMulNBits: codes by block are multiplied without making floats of the whole weight.
#include "forms.h"
#include "nbits_layout.h"
#include "products.h"
#include "vetquant/core/error.h"

namespace vetquant {

void emit_matmul_nbits(EmitContext& context, const PlannedNode& node) {
  const Product product = product_of(context, node, Form::kMatMulNBits);
  const PlannedTensor& weight = *product.weight;
  if (!product.weight_transposed)
    throw Error(ErrorCode::kInternal, "form matmul_nbits wants a view [N, K]", weight.name);
  check_nbits(context, weight, node.node);
  context.need_contrib(node.node, Form::kMatMulNBits);
  const StoredCodes& stored = context.store_codes(weight, nbits_layout(weight));
  const std::string scale = scale_with_alpha(context, product, stored.scale);
  const int64_t columns = weight.view.shape()[0], depth = weight.view.shape()[1];
  NodeWriter writer = context.before(node.node);

  std::vector<std::string> inputs{left_factor(writer, product), stored.codes, scale};
  if (!stored.zero_point.empty()) inputs.push_back(stored.zero_point);
  const bool bias_inside = !product.bias.empty() && product.bias_shape == Shape{columns};
  if (bias_inside) {
    inputs.resize(5);  // zero points and group indices may be missing
    inputs.push_back(scaled_bias(writer, product));
  }
  std::string value = writer.op("MatMulNBits", inputs, kContribDomain);
  set_int(writer.last(), "K", depth);
  set_int(writer.last(), "N", columns);
  set_int(writer.last(), "bits", bits_of(weight.spec.code_type));
  set_int(writer.last(), "block_size", weight.layout.block_size);
  if (node.accuracy_level != 0) set_int(writer.last(), "accuracy_level", node.accuracy_level);
  if (!product.bias.empty() && !bias_inside) value = writer.op("Add", {value, scaled_bias(writer, product)});
  finish_product(context, writer, node, product, value);
}

}  // namespace vetquant
