// Which operators can compute between codes of calibrated activations, and what one node needs for it.
#pragma once

#include <optional>
#include <string_view>

#include "form_rules.h"

namespace vetquant::plan {

enum class StaticKind {
  kProduct,   // Conv, ConvTranspose, MatMul, Gemm: weights and bias besides activations
  kComputes,  // its output has a range of its own
  kCarries,   // its output holds values of its input, and takes over the input's parameters
  kJoins,     // Concat: all inputs and the output share parameters
};

struct StaticOp {
  std::string_view op;
  StaticKind kind;
  int data_inputs;  // the first ones are activations (or constants that stand for such); -1: all
};
const StaticOp* static_op(const onnx::NodeProto& node);  // null: none

bool is_static_weight(SiteKind kind);

// Is this input of the node an activation, or a constant in an activation's place?
bool is_data_input(const StaticOp& op, const NodeInfo& node, size_t input);

// The range of a value, or why there is none.
struct KnownRange {
  std::optional<quant::ActivationRange> range;
  std::string why_not;
};
KnownRange range_of(const FormContext& context, ValueId value);

// What stands against it whatever becomes of the node's neighbours: its place, its operator, the target, missing ranges.
std::optional<Obstacle> static_obstacle(const FormContext& context, NodeId node);

}  // namespace vetquant::plan
