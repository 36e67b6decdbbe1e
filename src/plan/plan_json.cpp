#include <onnx/onnx_pb.h>

#include <nlohmann/json.hpp>

#include "roles.h"
#include "vetquant/plan/describe.h"

namespace vetquant {
namespace {

using nlohmann::json;

// Names come from a hostile file: bytes that are no UTF-8 must not stop the printing.
std::string utf8(std::string_view text) {
  const std::string dumped = json(std::string(text)).dump(-1, ' ', false, json::error_handler_t::replace);
  return json::parse(dumped).get<std::string>();
}

json reason_json(const Reason& reason) {
  json result = {{"rule", utf8(reason.rule)}, {"text", utf8(reason.text)}};
  if (reason.position.line > 0) result["position"] = utf8(reason.position.text());
  return result;
}

json layout_json(const PlannedTensor& tensor) {
  json layout = {{"channel_axes", tensor.layout.channel_axes},
                 {"scale_shape", scale_shape(tensor.view.shape(), tensor.layout)}};
  if (tensor.layout.block_axis >= 0) {
    layout["block_axis"] = tensor.layout.block_axis;
    layout["block"] = tensor.layout.block_size;
  }
  return layout;
}

json tensor_json(const PlannedTensor& tensor, const GraphIndex& index) {
  json uses = json::array();
  for (const PlannedTensor::WeightUse& use : tensor.uses) {
    uses.push_back(
        {{"node", utf8(index.node(use.node).address)}, {"input", use.input}, {"transposed", use.transposed}});
  }
  json result = {{"id", tensor.id},
                 {"name", utf8(tensor.name)},
                 {"shape", tensor.view.shape()},
                 {"type", type_text(tensor)},
                 {"stored_type", std::string(name_of(tensor.stored_type))},
                 {"source_type", std::string(name_of(tensor.source_type))},
                 {"form", std::string(name_of(tensor.form))},
                 {"elements", tensor.elements},
                 {"bytes_before", tensor.bytes_before},
                 {"bytes_after", tensor.bytes_after},
                 {"reason", reason_json(tensor.reason)},
                 {"uses", std::move(uses)}};
  if (!is_float(tensor.stored_type)) {
    result["layout"] = layout_json(tensor);
    result["algorithm"] = tensor.spec.algorithm;
    result["symmetric"] = tensor.spec.symmetry == Symmetry::kSymmetric;
    result["scales"] = name_of(tensor.spec.scale_type);
  }
  if (!tensor.proven_equal.empty()) {
    json copies = json::array();
    for (const TensorView& copy : tensor.proven_equal) copies.push_back(utf8(copy.describe()));
    result["equal_copies"] = std::move(copies);
  }
  return result;
}

json node_json(const PlannedNode& node, const GraphIndex& index) {
  const NodeInfo& info = index.node(node.node);
  json result = {{"node", utf8(info.address)},
                 {"op", utf8(plan::qualified_op(*info.proto))},
                 {"form", std::string(name_of(node.form))},
                 {"tensors", node.tensors},
                 {"reason", reason_json(node.reason)}};
  if (node.form == Form::kMatMulNBits) result["accuracy_level"] = node.accuracy_level;
  if (node.rows >= 0) result[node.rows_at_least ? "rows_at_least" : "rows"] = node.rows;
  if (node.expected_share) result["expected_share"] = *node.expected_share;
  if (!node.cost.empty()) result["cost"] = utf8(node.cost);
  return result;
}

json texts_json(const std::vector<std::string>& texts) {
  json result = json::array();
  for (const std::string& text : texts) result.push_back(utf8(text));
  return result;
}

}  // namespace

json plan_to_json(const Plan& plan, const GraphIndex& index) {
  const PlanTotals sums = totals(plan);
  json result = {{"schema", "vetquant.plan/1"},
                 {"policy", {{"name", utf8(plan.policy_name)}, {"digest", plan.policy_digest}}},
                 {"target", {{"name", utf8(plan.target_name)}, {"digest", plan.target_digest}}},
                 {"totals",
                  {{"tensors", sums.tensors},
                   {"nodes", sums.nodes},
                   {"kept", sums.kept},
                   {"elements", sums.elements},
                   {"bytes_before", sums.bytes_before},
                   {"bytes_after", sums.bytes_after},
                   {"kept_bytes", sums.kept_bytes}}},
                 {"notes", texts_json(plan.notes)},
                 {"warnings", texts_json(plan.warnings)}};
  for (const char* list : {"tensors", "nodes", "kept"}) result[list] = json::array();
  for (const PlannedTensor& tensor : plan.tensors) result["tensors"].push_back(tensor_json(tensor, index));
  for (const PlannedNode& node : plan.nodes) result["nodes"].push_back(node_json(node, index));
  for (const KeptWeight& kept : plan.kept) {
    result["kept"].push_back({{"name", utf8(kept.name)},
                              {"node", utf8(kept.node)},
                              {"op", utf8(kept.op)},
                              {"elements", kept.elements},
                              {"bytes", kept.bytes},
                              {"reason", reason_json(kept.reason)}});
  }
  return result;
}

}  // namespace vetquant
