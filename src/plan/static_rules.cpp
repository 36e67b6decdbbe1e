#include "static_rules.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>

#include "vetquant/core/text.h"

namespace vetquant::plan {
namespace {

constexpr StaticOp kOps[] = {
    {"Conv", StaticKind::kProduct, 2},
    {"ConvTranspose", StaticKind::kProduct, 2},
    {"MatMul", StaticKind::kProduct, 2},
    {"Gemm", StaticKind::kProduct, 2},
    {"Add", StaticKind::kComputes, 2},
    {"Sub", StaticKind::kComputes, 2},
    {"Mul", StaticKind::kComputes, 2},
    {"Div", StaticKind::kComputes, 2},
    {"PRelu", StaticKind::kComputes, 2},
    {"AveragePool", StaticKind::kComputes, 1},
    {"GlobalAveragePool", StaticKind::kComputes, 1},
    {"Relu", StaticKind::kComputes, 1},
    {"Clip", StaticKind::kComputes, 1},
    {"LeakyRelu", StaticKind::kComputes, 1},
    {"Elu", StaticKind::kComputes, 1},
    {"Sigmoid", StaticKind::kComputes, 1},
    {"HardSigmoid", StaticKind::kComputes, 1},
    {"HardSwish", StaticKind::kComputes, 1},
    {"Tanh", StaticKind::kComputes, 1},
    {"Softmax", StaticKind::kComputes, 1},
    {"Gelu", StaticKind::kComputes, 1},
    {"Softplus", StaticKind::kComputes, 1},
    {"Concat", StaticKind::kJoins, -1},
    {"MaxPool", StaticKind::kCarries, 1},
    {"GlobalMaxPool", StaticKind::kCarries, 1},
    {"Reshape", StaticKind::kCarries, 1},
    {"Transpose", StaticKind::kCarries, 1},
    {"Flatten", StaticKind::kCarries, 1},
    {"Squeeze", StaticKind::kCarries, 1},
    {"Unsqueeze", StaticKind::kCarries, 1},
    {"Identity", StaticKind::kCarries, 1},
    {"Slice", StaticKind::kCarries, 1},
    {"Split", StaticKind::kCarries, 1},
    {"Pad", StaticKind::kCarries, 1},
    {"Gather", StaticKind::kCarries, 1},
    {"Expand", StaticKind::kCarries, 1},
    {"Tile", StaticKind::kCarries, 1},
    {"DepthToSpace", StaticKind::kCarries, 1},
    {"SpaceToDepth", StaticKind::kCarries, 1},
    {"Resize", StaticKind::kCarries, 1},
    {"Upsample", StaticKind::kCarries, 1},
};

Obstacle cannot(std::string text) { return Obstacle{std::move(text), ErrorCode::kUnsupported}; }

bool is_constant(const FormContext& context, ValueId value) { return context.constants.find(value).has_value(); }

// Codes begin with zero padding and end with the largest value: what lies outside cannot be carried.
std::optional<Obstacle> carry_obstacle(const FormContext& context, const NodeInfo& node) {
  const std::string& op = node.proto->op_type();
  if (op == "Resize" || op == "Upsample") {
    if (string_attribute(*node.proto, "mode", "nearest") == "cubic")
      return cannot("cubic interpolation leaves the range of its input");
    return std::nullopt;
  }
  if (op != "Pad" || string_attribute(*node.proto, "mode", "constant") != "constant") return std::nullopt;
  float filling = float_attribute(*node.proto, "value", 0);
  if (node.inputs.size() > 2 && node.inputs[2].valid()) {
    const std::optional<TensorView> view = context.constants.find(node.inputs[2]);
    if (!view || view->elements() != 1 || !is_float(view->dtype())) return cannot("what it pads with is computed");
    read_floats(*view, Box::whole(*view), std::span(&filling, 1));
  }
  if (filling != 0) return cannot("it pads with another value than 0");
  return std::nullopt;
}

// Conv's and Gemm's third input becomes int32 in units of both scales.
std::optional<Obstacle> bias_obstacle(const FormContext& context, const NodeInfo& node) {
  if (node.proto->op_type() == "Gemm") {
    if (float_attribute(*node.proto, "alpha", 1) != 1 || float_attribute(*node.proto, "beta", 1) != 1)
      return cannot("Gemm has an alpha or beta other than 1");
  }
  if (node.inputs.size() < 3 || !node.inputs[2].valid()) return std::nullopt;
  const std::optional<TensorView> bias = context.constants.find(node.inputs[2]);
  if (!bias) return cannot("its bias is computed");
  const std::optional<TensorView> weight = context.constants.find(node.inputs[1]);
  if (!weight || bias->dtype() != DType::kFloat32) return cannot("its bias or its weight is no fp32 constant");
  const Shape& shape = weight->shape();
  if (shape.size() < 2) return cannot("its weight has less than two axes");
  const std::string& op = node.proto->op_type();
  int64_t channels = shape[0];
  if (op == "ConvTranspose") channels = shape[1] * int_attribute(*node.proto, "group", 1);
  if (op == "Gemm" && int_attribute(*node.proto, "transB", 0) == 0) channels = shape[1];
  const bool fits = !bias->shape().empty() && bias->shape().back() == channels &&
                    bias->elements() == static_cast<uint64_t>(channels) && bias->reshaped({channels}).has_value();
  return fits ? std::nullopt : std::optional(cannot("its bias is no vector of its output channels"));
}

std::optional<Obstacle> type_obstacle(const FormContext& context, const NodeInfo& node, const StaticOp& op) {
  const auto check = [&](ValueId value) -> std::optional<Obstacle> {
    if (!value.valid()) return std::nullopt;
    const DType type = context.survey.types[static_cast<size_t>(value.value)].dtype;
    if (type == DType::kFloat32 || type == DType::kUndefined) return std::nullopt;
    return cannot("it works on " + std::string(name_of(type)));
  };
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (!is_data_input(op, node, i)) continue;
    if (auto obstacle = check(node.inputs[i])) return obstacle;
  }
  for (const ValueId output : node.outputs) {
    if (auto obstacle = check(output)) return obstacle;
  }
  return std::nullopt;
}

std::optional<Obstacle> range_obstacle(const FormContext& context, const NodeInfo& node, const StaticOp& op) {
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (!is_data_input(op, node, i) || is_constant(context, node.inputs[i])) continue;
    if (const KnownRange known = range_of(context, node.inputs[i]); !known.range) return cannot(known.why_not);
  }
  for (const ValueId output : node.outputs) {
    if (!output.valid()) continue;
    if (const KnownRange known = range_of(context, output); !known.range) return cannot(known.why_not);
  }
  return std::nullopt;
}

}  // namespace

const StaticOp* static_op(const onnx::NodeProto& node) {
  if (!is_standard(node.domain())) return nullptr;
  const auto* found =
      std::find_if(std::begin(kOps), std::end(kOps), [&](const StaticOp& row) { return row.op == node.op_type(); });
  return found == std::end(kOps) ? nullptr : found;
}

bool is_static_weight(SiteKind kind) {
  return kind == SiteKind::kConv || kind == SiteKind::kConvTranspose || kind == SiteKind::kMatMulB ||
         kind == SiteKind::kMatMulBatchedB || kind == SiteKind::kGemmB;
}

bool is_data_input(const StaticOp& op, const NodeInfo& node, size_t input) {
  return node.inputs[input].valid() && (op.data_inputs < 0 || input < static_cast<size_t>(op.data_inputs));
}

KnownRange range_of(const FormContext& context, ValueId value) {
  const std::string name = context.index.address(value);
  const std::string shown = "'" + printable(name) + "'";
  if (context.statistics == nullptr) return {std::nullopt, "no calibration was given"};
  const auto found = context.statistics->tensors.find(name);
  if (found == context.statistics->tensors.end())
    return {std::nullopt, "the calibration has no statistics of " + shown};
  if (found->second.range) return {found->second.range, {}};
  return {std::nullopt, found->second.values == 0 ? "no sample of the calibration reached " + shown
                                                  : "the calibration saw no finite value of " + shown};
}

std::optional<Obstacle> static_obstacle(const FormContext& context, NodeId id) {
  const NodeInfo& node = context.index.node(id);
  const std::string op_name = qualified_op(*node.proto);
  const StaticOp* op = static_op(*node.proto);
  if (op == nullptr) return cannot(op_name + " has no static form");
  if (context.index.scope(node.scope).kind != ScopeKind::kMain)
    return cannot("nodes inside If, Loop, Scan and local functions stay float");
  const FormSupport* support = context.target.find(FormChoice::kQdq);
  if (support == nullptr) return cannot("target " + context.target.name + " does not have the form qdq");
  const bool serves =
      support->ops.empty() || std::any_of(support->ops.begin(), support->ops.end(),
                                          [&](const std::string& glob) { return glob_matches(glob, op_name); });
  if (!serves) return cannot("target " + context.target.name + " computes " + op_name + " in float");
  if (auto obstacle = type_obstacle(context, node, *op)) return obstacle;
  if (op->kind == StaticKind::kCarries) return carry_obstacle(context, node);
  if (op->kind == StaticKind::kProduct) {
    if (node.inputs.size() < 2 || !node.inputs[0].valid() || !node.inputs[1].valid() || node.outputs.size() != 1)
      return cannot("it lacks an input or an output");
    if (auto obstacle = bias_obstacle(context, node)) return obstacle;
  }
  return range_obstacle(context, node, *op);
}

}  // namespace vetquant::plan
