#include "plan_view.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>

#include "activation_view.h"
#include "commands.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"
#include "vetquant/plan/describe.h"

namespace vetquant::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string layout_words(const PlannedTensor& tensor) {
  if (tensor.layout.block_axis >= 0) return " block " + std::to_string(tensor.layout.block_size);
  return tensor.layout.channel_axes.empty() ? " per tensor" : " per channel";
}

bool has_codes(const PlannedTensor& tensor) {
  return tensor.form != Form::kKeep && tensor.form != Form::kHalfStorage && tensor.form != Form::kHalfCompute;
}

std::string rule_words(const Reason& reason) {
  const std::string where = reason.position.line > 0 ? " (" + reason.position.text() + ")" : "";
  return reason.rule + where;
}

Json reason_json(const Reason& reason) {
  return {{"rule", reason.rule},
          {"where", reason.position.line > 0 ? reason.position.text() : ""},
          {"reason", reason.text}};
}

std::string summary(const Prepared& p) {
  const uint64_t before = p.model->total_bytes(), after = p.sizes.total_bytes();
  std::string text = "policy " + p.plan.policy_name + ", target " + p.plan.target_name + ": " +
                     counted(p.plan.tensors.size(), "tensor") + ", " + counted(p.plan.nodes.size(), "node") + "\n";
  text += "file   " + human_bytes(before) + " -> " + human_bytes(after) + " (" +
          percent(static_cast<double>(after) / static_cast<double>(std::max<uint64_t>(1, before))) + ", exactly " +
          std::to_string(after) + " bytes";
  if (p.sizes.sidecar_bytes > 0) text += ", of which " + std::to_string(p.sizes.sidecar_bytes) + " in a sidecar";
  return text + ")\n";
}

// Kept weights by reason: one line each, however many tensors.
std::string kept_text(const Plan& plan) {
  struct Group {
    size_t count = 0;
    uint64_t bytes = 0;
    std::string example;
  };
  std::vector<std::pair<std::string, Group>> groups;
  for (const KeptWeight& kept : plan.kept) {
    auto found = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == kept.reason.text; });
    if (found == groups.end()) found = groups.insert(groups.end(), {kept.reason.text, {0, 0, kept.name}});
    ++found->second.count;
    found->second.bytes += kept.bytes;
  }
  if (groups.empty()) return {};
  std::string text = "\nkept as they are:\n";
  for (const auto& [reason, group] : groups) {
    text += "  " + counted(group.count, "weight") + ", " + human_bytes(group.bytes) + ": " + reason + " (" +
            shorten_middle(printable(group.example), 40) + (group.count > 1 ? ", ..." : "") + ")\n";
  }
  return text;
}

std::string lines_text(const std::string& title, const std::vector<std::string>& lines) {
  if (lines.empty()) return {};
  std::string text = "\n" + title + ":\n";
  for (const std::string& line : lines) text += "  " + printable(line, 400) + "\n";
  return text;
}

}  // namespace

std::string stored_as(const PlannedTensor& tensor) {
  std::string text(name_of(tensor.stored_type));
  if (!has_codes(tensor)) return text;
  text += layout_words(tensor);
  if (tensor.spec.algorithm != "rtn") text += " " + tensor.spec.algorithm;
  return text;
}

std::string plan_text(const Prepared& p, bool with_reasons) {
  Table table({"tensor", "stored as", "form", "before", "after", "rule"}, "<<<>>", 0);
  for (const PlannedTensor& tensor : p.plan.tensors) {
    table.row({tensor.name, stored_as(tensor), std::string(name_of(tensor.form)), human_bytes(tensor.bytes_before),
               human_bytes(tensor.bytes_after), tensor.reason.rule});
  }
  std::string text = table.empty() ? std::string() : table.text() + "\n";
  text += summary(p) + activations_text(p, with_reasons) + kept_text(p.plan);
  if (with_reasons) {
    std::vector<std::string> reasons;
    for (const PlannedNode& node : p.plan.nodes) {
      reasons.push_back(p.index->node(node.node).address + ": " + std::string(name_of(node.form)) + ": " +
                        node.reason.text + (node.cost.empty() ? "" : "; " + node.cost) + " [" +
                        rule_words(node.reason) + "]");
    }
    text += lines_text("nodes", reasons);
  }
  text += lines_text("graph", p.emitted.log.steps);
  text += lines_text("notes", p.plan.notes);
  text += lines_text("warnings", p.plan.warnings);
  return text;
}

nlohmann::ordered_json plan_json(const Prepared& p) {
  Json tensors = Json::array(), nodes = Json::array(), kept = Json::array();
  for (const PlannedTensor& tensor : p.plan.tensors) {
    Json uses = Json::array();
    for (const auto& use : tensor.uses)
      uses.push_back({{"node", p.index->node(use.node).address}, {"input", use.input}});
    Json entry = {{"name", tensor.name},
                  {"form", name_of(tensor.form)},
                  {"type", name_of(tensor.stored_type)},
                  {"shape", tensor.view.shape()},
                  {"elements", tensor.elements}};
    if (has_codes(tensor)) {
      entry["algorithm"] = tensor.spec.algorithm;
      entry["symmetric"] = tensor.spec.symmetry == Symmetry::kSymmetric;
      entry["channel_axes"] = tensor.layout.channel_axes;
      if (tensor.layout.block_axis >= 0) {
        entry["block_axis"] = tensor.layout.block_axis;
        entry["block"] = tensor.layout.block_size;
      }
      entry["scales"] = name_of(tensor.spec.scale_type);
    }
    entry["bytes_before"] = tensor.bytes_before;
    entry["bytes_after"] = tensor.bytes_after;
    entry["uses"] = std::move(uses);
    entry["tied_copies"] = tensor.proven_equal.size();
    entry.update(reason_json(tensor.reason));
    tensors.push_back(std::move(entry));
  }
  for (const PlannedNode& node : p.plan.nodes) {
    Json entry = {{"node", p.index->node(node.node).address},
                  {"op", p.index->node(node.node).proto->op_type()},
                  {"form", name_of(node.form)}};
    if (node.rows >= 0) entry["rows"] = node.rows;
    if (node.expected_share) entry["expected_share"] = *node.expected_share;
    if (!node.cost.empty()) entry["cost"] = node.cost;
    entry.update(reason_json(node.reason));
    nodes.push_back(std::move(entry));
  }
  for (const KeptWeight& weight : p.plan.kept) {
    Json entry = {{"name", weight.name},
                  {"node", weight.node},
                  {"op", weight.op},
                  {"elements", weight.elements},
                  {"bytes", weight.bytes}};
    entry.update(reason_json(weight.reason));
    kept.push_back(std::move(entry));
  }
  Json plan = {
      {"schema", "vetquant.plan/1"},
      {"model", p.request.model.filename().string()},
      {"policy", {{"name", p.plan.policy_name}, {"digest", p.plan.policy_digest}}},
      {"target", {{"name", p.plan.target_name}, {"digest", p.plan.target_digest}}},
      {"bytes",
       {{"before", p.model->total_bytes()}, {"after", p.sizes.total_bytes()}, {"sidecar", p.sizes.sidecar_bytes}}},
      {"tensors", std::move(tensors)},
      {"nodes", std::move(nodes)},
      {"kept", std::move(kept)},
      {"graph", p.emitted.log.steps},
      {"notes", p.plan.notes},
      {"warnings", p.plan.warnings}};
  add_activations(p, plan);
  return plan;
}

std::string explain_text(const Prepared& p, const std::string& name) {
  std::string text;
  for (const PlannedTensor& tensor : p.plan.tensors) {
    if (tensor.name != name) continue;
    text += tensor.name + "  " + tensor.view.describe() + "\n  " + stored_as(tensor) + " as " +
            std::string(name_of(tensor.form)) + ", " + std::to_string(tensor.bytes_before) + " -> " +
            std::to_string(tensor.bytes_after) + " bytes\n  decided by " + rule_words(tensor.reason) + ": " +
            tensor.reason.text + "\n";
    for (const auto& use : tensor.uses)
      text += "  used by " + p.index->node(use.node).address + " as input " + std::to_string(use.input) + "\n";
    for (const TensorView& copy : tensor.proven_equal)
      text += "  stands for the copy " + copy.describe() + " too, compared while quantizing\n";
  }
  for (const KeptWeight& kept : p.plan.kept) {
    if (kept.name != name && kept.node != name) continue;
    text += kept.name + "  stays as it is, " + std::to_string(kept.bytes) + " bytes\n  decided by " +
            rule_words(kept.reason) + ": " + kept.reason.text + "\n  used by " + kept.node + " (" + kept.op + ")\n";
  }
  for (const PlannedNode& node : p.plan.nodes) {
    const std::string& address = p.index->node(node.node).address;
    if (address != name) continue;
    text += address + "  becomes " + std::string(name_of(node.form)) + "\n  decided by " + rule_words(node.reason) +
            ": " + node.reason.text + "\n" + (node.cost.empty() ? "" : "  cost: " + node.cost + "\n");
  }
  // Parts and copies of what is planned, small constants, nodes that stay: whatever has a name in the model.
  return text.empty() ? explain(p.plan, *p.index, name) : text;
}

}  // namespace vetquant::cli
