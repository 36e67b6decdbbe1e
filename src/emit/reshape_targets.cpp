#include "reshape_targets.h"

#include <optional>

#include "vetquant/model/dim_tracer.h"

namespace vetquant {
namespace {

std::optional<std::vector<int64_t>> constant_target(const ShapeEntries& wanted, const Dims& data) {
  std::vector<int64_t> target;
  int open = 0;
  for (size_t d = 0; d < wanted.size(); ++d) {
    const bool is_number = wanted[d] && !wanted[d]->value.valid();
    const bool is_same = wanted[d] && d < data.size() && *wanted[d] == data[d];
    target.push_back(is_number ? wanted[d]->number : is_same ? 0 : -1);
    open += target.back() == -1 ? 1 : 0;
  }
  return open <= 1 ? std::optional(target) : std::nullopt;
}

bool is_reshape_to_input(const NodeInfo& node) {
  const onnx::NodeProto& proto = *node.proto;
  return proto.op_type() == "Reshape" && (proto.domain().empty() || proto.domain() == "ai.onnx") &&
         node.inputs.size() == 2 && node.inputs[0].valid() && node.inputs[1].valid() &&
         int_attribute(proto, "allowzero", 0) == 0;
}

}  // namespace

void fix_reshape_targets(EmitContext& context, const ConstantFinder& constants) {
  const GraphIndex& index = context.index();
  std::optional<DimTracer> tracer;  // made for the first computed target: most models have none
  size_t fixed = 0;
  for (size_t n = 0; n < index.nodes().size(); ++n) {
    const NodeInfo& node = index.nodes()[n];
    if (!is_reshape_to_input(node) || constants.find(node.inputs[1])) continue;
    if (!tracer) tracer.emplace(index, constants);
    const auto wanted = tracer->entries(node.inputs[1]);
    const auto& data = tracer->dims(node.inputs[0]);
    const auto target = wanted && data ? constant_target(*wanted, *data) : std::nullopt;
    if (!target) continue;
    const NodeId id{static_cast<int32_t>(n)};
    context.editor().set_input(id, 1, context.before(id).int64s(*target));
    ++fixed;
  }
  if (fixed > 0) {
    context.log().steps.push_back("reshape_targets: shapes of Reshape made constant: " + std::to_string(fixed));
  }
}

}  // namespace vetquant
