// MatMul and Gemm with a constant second factor, as the forms that replace them see them:  y = alpha * x W + beta * C.
#pragma once

#include <string>

#include "context.h"

namespace vetquant {

struct Product {
  const PlannedTensor* weight = nullptr;
  bool weight_transposed = false;  // the node sees the last two axes of weight->view swapped, its own transB included:
                                   // true for a view [N, K], false for [K, N]
  DType type = DType::kFloat32;    // of x, W and y
  bool x_transposed = false;
  std::string x, bias;  // bias: "" where there is none
  Shape bias_shape;     // empty where unknown or scalar
  float alpha = 1, beta = 1;
};

// Error{kUnsupported} where the weight is not the second factor; `form` is for the message.
Product product_of(EmitContext& context, const PlannedNode& node, Form form);

// x as float, transposed where the node wants it.
std::string left_factor(NodeWriter& writer, const Product& product);
// beta * C as float.
std::string scaled_bias(NodeWriter& writer, const Product& product);
// The scales times alpha: folded at load.
std::string scale_with_alpha(EmitContext& context, const Product& product, const std::string& scale);
// Gives `value` (the writer's last output) the type and name of the node's output, and takes the node away.
void finish_product(EmitContext& context, NodeWriter& writer, const PlannedNode& node, const Product& product,
                    const std::string& value);

}  // namespace vetquant
