#include "vetquant/plan/describe.h"

#include <set>
#include <tuple>

#include "vetquant/core/checked.h"
#include "vetquant/core/text.h"

namespace vetquant {
namespace {

std::string shape_text(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

// Bytes of what the views show, each stored element once: a tensor that two results are made of counts once.
class SourceBytes {
 public:
  void add(const TensorView& view) {
    for (const Piece& piece : view.pieces()) {
      const uint64_t elements = checked_elements(piece.extent).value_or(0);
      if (!seen_.insert({piece.stored.get(), piece.offset, elements}).second) continue;
      bytes_ +=
          elements == piece.stored->elements ? piece.stored->stored_bytes : bytes_of(piece.stored->dtype, elements);
    }
  }
  uint64_t bytes() const { return bytes_; }

 private:
  std::set<std::tuple<const StoredTensor*, int64_t, uint64_t>> seen_;
  uint64_t bytes_ = 0;
};

std::string rule_text(const Reason& reason) {
  const std::string where = reason.position.text();
  return reason.rule + (where.empty() || reason.position.line == 0 ? "" : " (" + where + ")");
}

}  // namespace

std::string_view name_of(Form form) {
  switch (form) {
    case Form::kKeep:
      return "keep";
    case Form::kDequantize:
      return "dequantize";
    case Form::kFoldAtLoad:
      return "fold_at_load";
    case Form::kDynamicInteger:
      return "dynamic_integer";
    case Form::kMatMulNBits:
      return "matmul_nbits";
    case Form::kGatherBlock:
      return "gather_block";
    case Form::kGatherRows:
      return "gather_rows";
    case Form::kDynamicLstm:
      return "dynamic_lstm";
    case Form::kQdq:
      return "qdq";
    case Form::kHalfStorage:
      return "half_storage";
    case Form::kHalfCompute:
      return "half_compute";
  }
  return "unknown";
}

PlanTotals totals(const Plan& plan) {
  PlanTotals sums;
  sums.tensors = plan.tensors.size();
  std::set<NodeId> nodes;
  for (const PlannedNode& node : plan.nodes) nodes.insert(node.node);
  sums.nodes = nodes.size();
  SourceBytes before;
  for (const PlannedTensor& tensor : plan.tensors) {
    sums.elements += tensor.elements;
    before.add(tensor.view);
    for (const TensorView& copy : tensor.proven_equal) before.add(copy);
    sums.bytes_after += tensor.bytes_after;
  }
  sums.bytes_before = before.bytes();
  std::set<std::string> kept;
  for (const KeptWeight& weight : plan.kept) {
    if (kept.insert(weight.name).second) sums.kept_bytes += weight.bytes;
  }
  sums.kept = kept.size();
  return sums;
}

std::string type_text(const PlannedTensor& tensor) {
  std::string text(name_of(tensor.stored_type));
  if (!is_float(tensor.stored_type)) {
    if (tensor.layout.block_axis >= 0) {
      text += " block " + std::to_string(tensor.layout.block_size);
    } else {
      text += tensor.layout.channel_axes.empty() ? " tensor" : " channel";
    }
    text += tensor.spec.symmetry == Symmetry::kSymmetric ? " sym" : " asym";
    if (tensor.spec.range == CodeRange::kNarrow) text += " narrow";
    if (tensor.spec.range == CodeRange::k7Bit) text += " 7bit";
    if (tensor.spec.scale_type != ScaleType::kFloat32)
      text += " scales " + std::string(name_of(tensor.spec.scale_type));
    text += " " + tensor.spec.algorithm;
  }
  return text;
}

std::vector<std::string> plan_lines(const Plan& plan, const GraphIndex& index) {
  std::vector<std::string> lines;
  for (const PlannedTensor& tensor : plan.tensors) {
    lines.push_back(printable(tensor.name) + "  " + shape_text(tensor.view.shape()) + "  " + type_text(tensor) + "  " +
                    std::string(name_of(tensor.form)) + "  " + human_bytes(tensor.bytes_before) + " -> " +
                    human_bytes(tensor.bytes_after) + "  " + rule_text(tensor.reason) + "  " + tensor.reason.text);
  }
  for (const PlannedNode& node : plan.nodes) {
    std::string line = "node " + printable(index.node(node.node).address) + "  " + std::string(name_of(node.form));
    if (node.form == Form::kMatMulNBits) line += " level " + std::to_string(node.accuracy_level);
    if (node.expected_share) line += "  expected share " + std::to_string(*node.expected_share).substr(0, 5);
    if (node.rows >= 0) line += (node.rows_at_least ? "  rows >= " : "  rows ") + std::to_string(node.rows);
    lines.push_back(line + "  " + rule_text(node.reason) + (node.cost.empty() ? "" : "  cost: " + node.cost));
  }
  for (const KeptWeight& kept : plan.kept) {
    lines.push_back("kept " + printable(kept.name) + (kept.node.empty() ? "" : " at " + printable(kept.node)) + "  " +
                    human_bytes(kept.bytes) + "  " + rule_text(kept.reason) + "  " + kept.reason.text);
  }
  for (const std::string& note : plan.notes) lines.push_back("note " + note);
  for (const std::string& warning : plan.warnings) lines.push_back("warning " + warning);
  return lines;
}

}  // namespace vetquant
