#include "products.h"

#include "vetquant/core/error.h"

namespace vetquant {

Product product_of(EmitContext& context, const PlannedNode& planned, Form form) {
  const onnx::NodeProto& node = context.editor().node(planned.node);
  const bool gemm = node.op_type() == "Gemm";
  const std::string name(name_of(form));
  if (!gemm && node.op_type() != "MatMul") {
    throw Error(ErrorCode::kInternal, "form " + name + " is planned for " + node.op_type(),
                context.index().node(planned.node).address);
  }
  Product product;
  product.weight = context.tensor_at(planned, 1);
  if (product.weight == nullptr) {
    context.refuse(planned.node, "form " + name + " needs the constant as the second factor of " + node.op_type() +
                                     "; use form fold_at_load");
  }
  const bool trans_b = gemm && int_attribute(node, "transB", 0) != 0;
  product.weight_transposed = EmitContext::use_at(*product.weight, planned.node, 1).transposed != trans_b;
  product.type = product.weight->view.dtype();
  product.x = node.input(0);
  if (!gemm) return product;
  product.x_transposed = int_attribute(node, "transA", 0) != 0;
  product.alpha = float_attribute(node, "alpha", 1);
  product.beta = float_attribute(node, "beta", 1);
  if (node.input_size() > 2 && !node.input(2).empty() && product.beta != 0) {
    product.bias = node.input(2);
    product.bias_shape = context.type(context.index().node(planned.node).inputs[2]).shape;
  }
  return product;
}

std::string left_factor(NodeWriter& writer, const Product& product) {
  const int64_t swap[] = {1, 0};
  const std::string x = writer.as(product.x, product.type, DType::kFloat32);
  return product.x_transposed ? writer.transpose(x, swap) : x;
}

std::string scaled_bias(NodeWriter& writer, const Product& product) {
  const std::string bias = writer.as(product.bias, product.type, DType::kFloat32);
  return product.beta == 1 ? bias : writer.op("Mul", {bias, writer.scalar(product.beta)});
}

std::string scale_with_alpha(EmitContext& context, const Product& product, const std::string& scale) {
  if (product.alpha == 1) return scale;
  NodeWriter writer = context.at_start(*product.weight);
  return writer.op("Mul", {scale, writer.scalar(product.alpha)});
}

void finish_product(EmitContext& context, NodeWriter& writer, const PlannedNode& node, const Product& product,
                    const std::string& value) {
  writer.as(value, DType::kFloat32, product.type);
  writer.name_last(context.index().node(node.node).proto->output(0));
  context.editor().remove_node(node.node);
}

}  // namespace vetquant
