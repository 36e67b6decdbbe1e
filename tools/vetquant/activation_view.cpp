#include "activation_view.h"

#include <onnx/onnx_pb.h>

#include <charconv>
#include <set>

#include "commands.h"
#include "vetquant/core/text.h"

namespace vetquant::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string number(float value) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::general, 5).ptr};
}

std::string nodes_that_stay_text(const Prepared& p) {
  struct Group {
    size_t count = 0;
    std::string example;
  };
  std::vector<std::pair<std::string, Group>> groups;
  for (const FloatNode& node : p.plan.float_nodes) {
    const NodeInfo& info = p.index->node(node.node);
    const std::string key = info.proto->op_type() + ": " + node.reason.text;
    auto found = std::find_if(groups.begin(), groups.end(), [&](const auto& group) { return group.first == key; });
    if (found == groups.end()) found = groups.insert(groups.end(), {key, {0, info.address}});
    ++found->second.count;
  }
  if (groups.empty()) return {};
  std::string text = "\ncomputed in float:\n";
  for (const auto& [key, group] : groups) {
    text += "  " + std::to_string(group.count) + " " + key + " (" + shorten_middle(printable(group.example), 40) +
            (group.count > 1 ? ", ..." : "") + ")\n";
  }
  return text;
}

}  // namespace

std::string activations_text(const Prepared& p, bool with_reasons) {
  const std::vector<PlannedActivation>& all = p.plan.activations;
  if (all.empty() && p.plan.float_nodes.empty()) return {};
  std::set<int> groups;
  for (const PlannedActivation& activation : all) groups.insert(activation.group);
  std::string text = "\nstatic activations: " + counted(all.size(), "value") + " in codes, " +
                     counted(groups.size(), "pair") + " of scale and zero point, " +
                     std::to_string(p.plan.biases.size()) + (p.plan.biases.size() == 1 ? " bias" : " biases") +
                     " as int32\n";
  Table table({"activation", "type", "low", "high", "scale", "zero point"}, "<<>>>>", 0);
  for (const PlannedActivation& activation : all) {
    table.row({p.index->address(activation.value), std::string(name_of(activation.type)), number(activation.range.low),
               number(activation.range.high), number(activation.parameters.scale),
               std::to_string(activation.parameters.zero_point)});
  }
  if (with_reasons && !table.empty()) text += table.text();
  return text + nodes_that_stay_text(p);
}

void add_activations(const Prepared& p, Json& plan) {
  Json activations = Json::array(), float_nodes = Json::array(), biases = Json::array();
  for (const PlannedActivation& activation : p.plan.activations) {
    activations.push_back(
        {{"name", p.index->address(activation.value)},
         {"type", name_of(activation.type)},
         {"symmetric", activation.symmetry == Symmetry::kSymmetric},
         {"range", {activation.range.low, activation.range.high}},
         {"scale", activation.parameters.scale},
         {"zero_point", activation.parameters.zero_point},
         {"shares_with", p.index->address(p.plan.activations[static_cast<size_t>(activation.group)].value)}});
  }
  for (const PlannedBias& bias : p.plan.biases)
    biases.push_back({{"node", p.index->node(bias.node).address}, {"input_scale", bias.input_scale}});
  for (const FloatNode& node : p.plan.float_nodes) {
    const NodeInfo& info = p.index->node(node.node);
    float_nodes.push_back({{"node", info.address},
                           {"op", info.proto->op_type()},
                           {"rule", node.reason.rule},
                           {"where", node.reason.position.line > 0 ? node.reason.position.text() : ""},
                           {"reason", node.reason.text}});
  }
  plan["activations"] = std::move(activations);
  plan["biases"] = std::move(biases);
  plan["float_nodes"] = std::move(float_nodes);
}

}  // namespace vetquant::cli
