#include "saturation.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <limits>

#include "clip_limits.h"
#include "roles.h"

namespace vetquant::plan {
namespace {

constexpr float kAll = std::numeric_limits<float>::max();

// x * Sigmoid(x): who reads x reads both factors of one product.
bool is_silu(const GraphIndex& index, ValueId value) {
  const std::vector<ValueUse>& uses = index.value(value).uses;
  if (uses.size() != 2) return false;
  const bool first_is_sigmoid = index.node(uses[0].node).proto->op_type() == "Sigmoid";
  const NodeInfo& sigmoid = index.node(uses[first_is_sigmoid ? 0 : 1].node);
  const NodeId product = uses[first_is_sigmoid ? 1 : 0].node;
  if (sigmoid.proto->op_type() != "Sigmoid" || index.node(product).proto->op_type() != "Mul") return false;
  const ValueInfo& gate = index.value(sigmoid.outputs[0]);
  return gate.uses.size() == 1 && gate.uses[0].node == product && !gate.is_scope_output;
}

quant::ActivationRange limits_of(const FormContext& context, const ValueUse& use) {
  constexpr float kSigmoid = 6, kTanh = 3.5F, kHardSwish = 3;
  const NodeInfo& node = context.index.node(use.node);
  const std::string& op = node.proto->op_type();
  if (use.input != 0 || !is_standard(node.proto->domain())) return {-kAll, kAll};
  if (op == "Relu" || op == "Clip") {
    const auto limits = clip_limits(context, node);
    return limits ? *limits : quant::ActivationRange{-kAll, kAll};
  }
  if (op == "Sigmoid") return {-kSigmoid, kSigmoid};
  if (op == "Tanh") return {-kTanh, kTanh};
  if (op == "HardSwish") return {-kHardSwish, kAll};
  if (op == "HardSigmoid") {
    const float alpha = float_attribute(*node.proto, "alpha", 0.2F), beta = float_attribute(*node.proto, "beta", 0.5F);
    if (alpha > 0) return {-beta / alpha, (1 - beta) / alpha};
  }
  return {-kAll, kAll};
}

}  // namespace

quant::ActivationRange useful_range(const FormContext& context, ValueId value, quant::ActivationRange range) {
  const ValueInfo& info = context.index.value(value);
  if (info.is_scope_output || info.uses.empty()) return range;
  quant::ActivationRange useful{kAll, -kAll};
  if (is_silu(context.index, value)) {
    constexpr float kSilu = 8;
    useful = {-kSilu, kAll};
  } else {
    for (const ValueUse& use : info.uses) {
      const quant::ActivationRange limits = limits_of(context, use);
      useful.low = std::min(useful.low, limits.low);
      useful.high = std::max(useful.high, limits.high);
    }
  }
  return {std::clamp(range.low, useful.low, std::max(useful.low, useful.high)),
          std::clamp(range.high, std::min(useful.low, useful.high), useful.high)};
}

}  // namespace vetquant::plan
