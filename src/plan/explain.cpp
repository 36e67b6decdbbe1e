#include <onnx/onnx_pb.h>

#include <algorithm>

#include "roles.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"
#include "vetquant/plan/describe.h"

namespace vetquant {
namespace {

std::string rule_line(const Reason& reason) {
  return "  rule: " + reason.rule + (reason.position.line > 0 ? " (" + reason.position.text() + ")" : "") +
         "\n  why: " + reason.text + "\n";
}

bool concerns(const PlannedTensor& tensor, const GraphIndex& index, std::string_view address) {
  if (tensor.name == address) return true;
  const auto stored_here = [&](const TensorView& view) {
    return std::any_of(view.pieces().begin(), view.pieces().end(),
                       [&](const Piece& piece) { return piece.stored->address == address; });
  };
  if (stored_here(tensor.view) || std::any_of(tensor.proven_equal.begin(), tensor.proven_equal.end(), stored_here))
    return true;
  return std::any_of(tensor.uses.begin(), tensor.uses.end(), [&](const PlannedTensor::WeightUse& use) {
    const NodeInfo& node = index.node(use.node);
    const ValueId value = node.inputs[static_cast<size_t>(use.input)];
    return node.address == address || (value.valid() && index.address(value) == address);
  });
}

std::string tensor_text(const PlannedTensor& tensor, const Plan& plan, const GraphIndex& index) {
  std::string text = tensor.name + ": " + type_text(tensor) + ", form " + std::string(name_of(tensor.form)) + ", " +
                     human_bytes(tensor.bytes_before) + " -> " + human_bytes(tensor.bytes_after) + "\n" +
                     rule_line(tensor.reason);
  for (const PlannedTensor::WeightUse& use : tensor.uses) {
    text += "  read by " + index.node(use.node).address + " (input " + std::to_string(use.input) + ")";
    for (const PlannedNode& node : plan.nodes) {
      if (node.node != use.node) continue;
      text += ": " + std::string(name_of(node.form));
      if (node.form == Form::kMatMulNBits) text += " at accuracy_level " + std::to_string(node.accuracy_level);
      if (!node.cost.empty()) text += "; " + node.cost;
      if (node.reason.text != tensor.reason.text) text += "; " + node.reason.text;
      break;
    }
    text += "\n";
  }
  for (const TensorView& copy : tensor.proven_equal)
    text += "  equal copy: " + copy.describe() + " (compared while quantizing)\n";
  return text;
}

std::string of_constant(const onnx::TensorProto& tensor, const ValueInfo& value) {
  const DType type = static_cast<DType>(tensor.data_type());
  if (!is_float(type)) return "stays as it is: holds " + std::string(name_of(type)) + ", no float weight";
  if (value.uses.empty()) return "stays as it is: no node reads it";
  uint64_t elements = 1;
  for (const int64_t dim : tensor.dims()) elements *= static_cast<uint64_t>(dim);
  return "stays as it is: a float constant of " + std::to_string(elements) +
         " elements, below tensors.min_elements or read by nothing that the plan rewrites";
}

std::string of_value(const GraphIndex& index, ValueId id) {
  const ValueInfo& value = index.value(id);
  if (value.kind == ValueKind::kInitializer && value.initializer != nullptr)
    return of_constant(*value.initializer, value);
  if (value.kind == ValueKind::kSparseInitializer) return "stays as it is: a sparse initializer";
  if (value.kind == ValueKind::kInput) return "an input of the graph, no weight";
  const onnx::NodeProto& producer = *index.node(value.producer).proto;
  const onnx::TensorProto* constant = producer.op_type() == "Constant" ? constant_tensor(producer) : nullptr;
  return constant != nullptr ? of_constant(*constant, value) : "computed by " + index.node(value.producer).address;
}

[[noreturn]] void unknown(const GraphIndex& index, const std::string& address) {
  std::vector<std::string> known;
  for (size_t i = 0; i < index.values().size(); ++i) known.push_back(index.address(ValueId{static_cast<int32_t>(i)}));
  for (const NodeInfo& node : index.nodes()) known.push_back(node.address);
  const std::string nearest = nearest_word(address, known);
  throw Error(ErrorCode::kUsage, "the model has no tensor or node '" + printable(address) + "'" +
                                     (nearest.empty() ? "; `vetquant inspect` prints the addresses"
                                                      : "; did you mean '" + nearest + "'?"));
}

}  // namespace

std::string explain(const Plan& plan, const GraphIndex& index, std::string_view wanted) {
  const std::string address(wanted);
  std::string text;
  for (const PlannedTensor& tensor : plan.tensors) {
    if (concerns(tensor, index, address)) text += tensor_text(tensor, plan, index);
  }
  for (const KeptWeight& kept : plan.kept) {
    if (kept.name != address && kept.node != address) continue;
    text += kept.name + ": stays as it is, " + human_bytes(kept.bytes) +
            (kept.node.empty() ? "" : ", read by " + kept.node) + "\n" + rule_line(kept.reason);
  }
  const NodeId node = index.find_node(address);
  for (const PlannedNode& planned : plan.nodes) {
    if (planned.node == node && planned.tensors.empty())
      text += address + ": " + std::string(name_of(planned.form)) + "\n" + rule_line(planned.reason);
  }
  if (!text.empty()) return text;
  if (node.valid())
    return address + ": not rewritten; " + plan::qualified_op(*index.node(node).proto) +
           " reads no float weight that is large enough\n";
  const ValueId value = index.find_value(address);
  if (value.valid()) return address + ": " + of_value(index, value) + "\n";
  unknown(index, address);
}

}  // namespace vetquant
