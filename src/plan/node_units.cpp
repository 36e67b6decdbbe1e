#include "node_units.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "roles.h"

namespace vetquant::plan {
namespace {

constexpr uint64_t kMostParameters = 1 << 20;  // scales of one tensor; more are not looked at

// Which inputs of an operator must come from DequantizeLinear, so that it is computed on codes.
enum class CodeInputs { kFirst, kAll, kFirstTwo, kAtLeastFirst, kAllButFirst };
enum class CodeOutputs { kNeeded, kOptional, kNone, kLikeInput };  // kLikeInput: with the input's scale and zero point

struct GroupRule {
  std::string_view op;
  CodeInputs inputs;
  CodeOutputs outputs = CodeOutputs::kNeeded;
};

constexpr auto kFirst = CodeInputs::kFirst;
constexpr auto kAll = CodeInputs::kAll;
constexpr auto kLikeInput = CodeOutputs::kLikeInput;
constexpr auto kOptional = CodeOutputs::kOptional;
constexpr GroupRule kRules[] = {
    {"Gather", kFirst, kLikeInput},
    {"GatherElements", kFirst, kLikeInput},
    {"Reshape", kFirst, kLikeInput},
    {"Expand", kFirst, kLikeInput},
    {"Flatten", kFirst, kLikeInput},
    {"Transpose", kFirst, kLikeInput},
    {"MaxPool", kFirst, kLikeInput},
    {"Resize", kFirst, kLikeInput},
    {"Squeeze", kFirst, kLikeInput},
    {"Unsqueeze", kFirst, kLikeInput},
    {"Tile", kFirst, kLikeInput},
    {"ArgMax", kFirst, CodeOutputs::kNone},
    {"ArgMin", kFirst, CodeOutputs::kNone},
    {"AveragePool", kFirst},
    {"GlobalAveragePool", kFirst},
    {"GlobalMaxPool", kFirst},
    {"LeakyRelu", kFirst},
    {"ReduceMean", kFirst},
    {"ReduceMin", kFirst},
    {"ReduceMax", kFirst},
    {"ReduceProd", kFirst},
    {"ReduceSum", kFirst},
    {"Relu", kFirst},
    {"Gelu", kFirst},
    {"Elu", kFirst},
    {"HardSigmoid", kFirst},
    {"HardSwish", kFirst},
    {"Sigmoid", kFirst},
    {"Slice", kFirst},
    {"LogSoftmax", kFirst},
    {"Softmax", kFirst},
    {"Sqrt", kFirst},
    {"Atan", kFirst},
    {"Asin", kFirst},
    {"Sin", kFirst},
    {"Cos", kFirst},
    {"Sign", kFirst},
    {"Tanh", kFirst},
    {"Exp", kFirst},
    {"Log", kFirst},
    {"LRN", kFirst},
    {"Ceil", kFirst},
    {"Floor", kFirst},
    {"Round", kFirst},
    {"Abs", kFirst},
    {"Neg", kFirst},
    {"DepthToSpace", kFirst},
    {"SpaceToDepth", kFirst},
    {"LpNormalization", kFirst},
    {"Clip", CodeInputs::kAtLeastFirst},
    {"Split", kFirst},
    {"Pad", CodeInputs::kAtLeastFirst},
    {"Add", kAll},
    {"Div", kAll},
    {"Mul", kAll},
    {"Pow", kAll},
    {"Sub", kAll},
    {"PRelu", kAll},
    {"GridSample", kAll},
    {"Concat", kAll},
    {"Max", kAll},
    {"Min", kAll},
    {"Conv", kAll},
    {"ConvTranspose", kAll},
    {"Einsum", kAll, kOptional},
    {"Reciprocal", kAll, kOptional},
    {"MatMul", CodeInputs::kFirstTwo},
    {"Gemm", kAll, kOptional},
    {"InstanceNormalization", kAll},
    {"LayerNormalization", kAll},
    {"Equal", kAll, kOptional},
    {"Greater", kAll, kOptional},
    {"GreaterOrEqual", kAll, kOptional},
    {"Less", kAll, kOptional},
    {"LessOrEqual", kAll, kOptional},
    {"Where", CodeInputs::kAllButFirst},
};

const GroupRule* rule_of(const onnx::NodeProto& node) {
  const auto* found = std::find_if(std::begin(kRules), std::end(kRules),
                                   [&](const GroupRule& rule) { return rule.op == node.op_type(); });
  return found == std::end(kRules) ? nullptr : found;
}

bool is_pair_domain(const onnx::NodeProto& node) {
  return is_standard(node.domain()) || node.domain() == "com.microsoft";
}

NodeId producer(const GraphIndex& index, ValueId value) {
  return value.valid() ? index.value(value).producer : NodeId{};
}

// The only reader of a value that nobody else sees, or none.
NodeId only_reader(const GraphIndex& index, ValueId value) {
  const ValueInfo& info = index.value(value);
  if (info.is_scope_output || info.uses.size() != 1) return {};
  return info.uses[0].node;
}

int64_t least_code(DType type) {
  switch (type) {
    case DType::kInt8:
      return -128;
    case DType::kInt16:
      return -32768;
    default:
      return 0;
  }
}

class Grouping {
 public:
  Grouping(const UnitContext& context, const NodeInfo& node, const GroupRule& rule)
      : context_(context), node_(node), rule_(rule) {}

  bool take(NodeUnit& unit) const { return take_inputs(unit) && take_outputs(unit) && fits(unit); }

 private:
  bool must_be_code(size_t input) const {
    switch (rule_.inputs) {
      case CodeInputs::kAll:
        return true;
      case CodeInputs::kFirstTwo:
        return input < 2;
      case CodeInputs::kAllButFirst:
        return input > 0;
      case CodeInputs::kFirst:
      case CodeInputs::kAtLeastFirst:
        return input == 0;
    }
    return false;
  }

  bool take_inputs(NodeUnit& unit) const {
    for (size_t i = 0; i < node_.inputs.size(); ++i) {
      if (!node_.inputs[i].valid()) continue;
      const NodeId maker = producer(context_.index, node_.inputs[i]);
      const bool dequantized = maker.valid() && is_dequantize(*context_.index.node(maker).proto);
      if (!dequantized && must_be_code(i)) return false;
      if (!dequantized || (rule_.inputs == CodeInputs::kFirst && i > 0)) {
        unit.inputs.push_back(node_.inputs[i]);
      } else {
        unit.dequantize.push_back(maker);
        unit.inputs.push_back(context_.index.node(maker).inputs[0]);
      }
    }
    return !unit.dequantize.empty();
  }

  bool take_outputs(NodeUnit& unit) const {
    if (rule_.outputs == CodeOutputs::kNone) {
      unit.outputs = node_.outputs;
      return true;
    }
    size_t missing = 0;
    for (const ValueId output : node_.outputs) {
      if (output.valid() && !take_output(output, unit)) ++missing;
    }
    if (missing == 0) return true;
    if (rule_.outputs != kOptional || !unit.quantize.empty()) return false;
    unit.outputs = node_.outputs;
    return true;
  }

  bool take_output(ValueId output, NodeUnit& unit) const {
    NodeId reader = only_reader(context_.index, output);
    NodeId clip;
    if (reader.valid() && context_.index.node(reader).proto->op_type() == "Relu") {
      clip = reader;
      reader = only_reader(context_.index, context_.index.node(clip).outputs[0]);
    }
    if (!reader.valid() || !is_quantize(*context_.index.node(reader).proto)) return false;
    const PairParameters parameters = pair_parameters(context_, context_.index.node(reader));
    if (clip.valid()) {  // superfluous where codes begin at zero
      const int64_t zero = parameters.zero_points.empty() ? 0 : parameters.zero_points[0];
      if (node_.outputs.size() != 1 || zero != least_code(parameters.type)) return false;
      unit.clip = clip;
    }
    unit.quantize.push_back(reader);
    unit.outputs.push_back(context_.index.node(reader).outputs[0]);
    return true;
  }

  // The operator's output has codes of its input's type; what only moves values has its parameters, too.
  bool fits(const NodeUnit& unit) const {
    const PairParameters input = pair_parameters(context_, context_.index.node(unit.dequantize[0]));
    for (const NodeId id : unit.quantize) {
      const PairParameters output = pair_parameters(context_, context_.index.node(id));
      if (output.type != input.type) return false;
      if (rule_.outputs == kLikeInput && output != input) return false;
    }
    return true;
  }

  const UnitContext& context_;
  const NodeInfo& node_;
  const GroupRule& rule_;
};

NodeUnit single(const NodeInfo& node, NodeId id) {
  NodeUnit unit;
  unit.node = id;
  unit.inputs = node.inputs;
  unit.outputs = node.outputs;
  return unit;
}

// Units are known of MaxPool's version 12 alone.
bool is_grouped_pool(const GraphIndex& index, const NodeInfo& node) {
  const int64_t opset = index.opset(node.scope, "");
  return opset >= 12 && opset < 22;
}

// Does every reader of the DequantizeLinear hold it as a part of its unit?
bool is_claimed(const GraphIndex& index, const NodeInfo& node, NodeId id,
                const std::set<std::pair<NodeId, NodeId>>& claims) {
  const ValueInfo& value = index.value(node.outputs[0]);
  return !value.is_scope_output && std::all_of(value.uses.begin(), value.uses.end(), [&](const ValueUse& use) {
    return claims.contains({id, use.node});
  });
}

}  // namespace

bool PairParameters::symmetric() const {
  const int64_t middle = type == DType::kUint8 ? 128 : type == DType::kUint16 ? 32768 : type == DType::kUint4 ? 8 : 0;
  if (zero_points.empty()) return middle == 0;
  return std::all_of(zero_points.begin(), zero_points.end(), [&](int64_t zero) { return zero == middle; });
}

bool is_dequantize(const onnx::NodeProto& node) { return node.op_type() == "DequantizeLinear" && is_pair_domain(node); }
bool is_quantize(const onnx::NodeProto& node) { return node.op_type() == "QuantizeLinear" && is_pair_domain(node); }

PairParameters pair_parameters(const UnitContext& context, const NodeInfo& node) {
  PairParameters parameters;
  const ValueId codes = is_dequantize(*node.proto) ? node.inputs[0] : node.outputs[0];
  parameters.type = context.types[static_cast<size_t>(codes.value)].dtype;
  parameters.by_block = int_attribute(*node.proto, "block_size", 0) > 0;
  if (node.inputs.size() < 2) return parameters;
  const std::optional<TensorView> scale = context.constants.find(node.inputs[1]);
  if (scale && scale->elements() <= kMostParameters && is_float(scale->dtype())) {
    parameters.scales.resize(scale->elements());
    read_floats(*scale, Box::whole(*scale), parameters.scales);
  }
  if (node.inputs.size() < 3 || !node.inputs[2].valid()) return parameters;
  const std::optional<TensorView> zero = context.constants.find(node.inputs[2]);
  if (!zero || zero->elements() > kMostParameters) return parameters;
  if (parameters.type == DType::kUndefined) parameters.type = zero->dtype();
  parameters.zero_points.resize(zero->elements());
  read_int64s(*zero, Box::whole(*zero), parameters.zero_points);
  if (std::all_of(parameters.zero_points.begin(), parameters.zero_points.end(), [](int64_t z) { return z == 0; }))
    parameters.zero_points.clear();
  return parameters;
}

std::vector<NodeUnit> node_units(const UnitContext& context, ScopeId scope) {
  std::vector<NodeUnit> units;
  std::set<NodeId> members;                    // QuantizeLinear and Relu that belong to a unit
  std::set<std::pair<NodeId, NodeId>> claims;  // DequantizeLinear and the operator that holds it
  const std::vector<NodeId>& nodes = context.index.scope(scope).nodes;
  for (const NodeId id : nodes) {
    const NodeInfo& node = context.index.node(id);
    if (context.folded.contains(id)) continue;
    const GroupRule* rule = is_pair_domain(*node.proto) ? rule_of(*node.proto) : nullptr;
    if (node.proto->op_type() == "MaxPool" && !is_grouped_pool(context.index, node)) rule = nullptr;
    NodeUnit unit;
    unit.node = id;
    if (rule == nullptr || !Grouping(context, node, *rule).take(unit)) continue;
    for (const NodeId dequantize : unit.dequantize) claims.insert({dequantize, id});
    members.insert(unit.quantize.begin(), unit.quantize.end());
    if (unit.clip.valid()) members.insert(unit.clip);
    members.insert(id);
    units.push_back(std::move(unit));
  }
  for (const NodeId id : nodes) {
    const NodeInfo& node = context.index.node(id);
    if (context.folded.contains(id) || members.contains(id)) continue;
    if (is_dequantize(*node.proto) && is_claimed(context.index, node, id, claims)) continue;
    units.push_back(single(node, id));
  }
  std::stable_sort(units.begin(), units.end(), [](const NodeUnit& a, const NodeUnit& b) { return a.node < b.node; });
  return units;
}

}  // namespace vetquant::plan
