#include "check_view.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "commands.h"
#include "vetquant/core/text.h"
#include "vetquant/policy/operator_support.h"

namespace vetquant::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kWidth = 100, kShownNodes = 3, kShownPartitions = 12, kShownCuts = 3;

std::string op_of(const NodeInfo& node) {
  const std::string& domain = node.proto->domain();
  return (domain.empty() || domain == "ai.onnx" ? "" : domain + ":") + node.proto->op_type();
}

std::string line_of(const CheckFacts& facts, const SourcePosition& position) {
  return position.line == 0 ? "profile " + facts.target.name : position.text();
}

// Words after `indent` columns of which `head` is the first line's.
std::string wrapped(const std::string& head, const std::string& words, size_t indent) {
  std::vector<std::pair<std::string, std::string>> entry = {{head, words}};
  if (head.size() + 2 < indent) entry[0].first.append(indent - head.size() - 2, ' ');
  return definitions(entry, kWidth);
}

std::string accelerator_name(const CheckFacts& facts) {
  return facts.support.accelerator ? facts.support.accelerator->name : std::string("accelerator");
}

// Units that stay off the accelerator for one reason.
struct CauseGroup {
  const Cause* cause = nullptr;
  std::vector<const PlacedUnit*> units;
  std::map<std::string, size_t> ops;
};

std::vector<CauseGroup> cause_groups(const CheckFacts& facts) {
  std::map<std::tuple<std::string, std::string, int>, CauseGroup> groups;
  for (const PlacedUnit& unit : facts.check.units) {
    if ((unit.place != Place::kCpu && unit.place != Place::kRefused) || unit.cause.text.empty()) continue;
    CauseGroup& group = groups[{unit.cause.text, unit.cause.advice, unit.cause.position.line}];
    group.cause = &unit.cause;
    group.units.push_back(&unit);
    ++group.ops[op_of(facts.index.node(unit.node))];
  }
  std::vector<CauseGroup> sorted;
  for (auto& [key, group] : groups) sorted.push_back(std::move(group));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const CauseGroup& a, const CauseGroup& b) { return a.units.size() > b.units.size(); });
  return sorted;
}

std::string address_of(const CheckFacts& facts, NodeId node, size_t width) {
  return shorten_middle(printable(facts.index.node(node).address, 400), width);
}

std::string header_text(const CheckFacts& facts) {
  const std::string_view trust = words_of(facts.support.status);
  std::string text = facts.model + " on " + facts.target.name + ": " + facts.target.title + "\n";
  if (!trust.empty()) text += "This profile is " + std::string(trust) + ".\n";
  for (const std::string& step : facts.steps) text += wrapped("", step, 2);
  return text;
}

struct PlaceSum {
  size_t units = 0, nodes = 0, on_codes = 0;
};

PlaceSum sum_of(const TargetCheck& check, Place place) {
  PlaceSum sum;
  for (const PlacedUnit& unit : check.units) {
    if (unit.place != place) continue;
    ++sum.units;
    sum.nodes += unit.nodes.size();
    sum.on_codes += unit.on_codes ? 1 : 0;
  }
  return sum;
}

std::string sums_text(const CheckFacts& facts) {
  Table table({"runs on", "units", "on codes", "nodes", ""}, "<>>>", 4, kWidth);
  const auto row = [&](const std::string& name, Place place, const std::string& words) {
    const PlaceSum sum = sum_of(facts.check, place);
    if (sum.units == 0 && !(place == Place::kAccelerator && facts.support.accelerator)) return;
    table.row({name, std::to_string(sum.units), std::to_string(sum.on_codes), std::to_string(sum.nodes), words});
  };
  row(accelerator_name(facts), Place::kAccelerator, "in " + counted(facts.check.partitions.size(), "partition"));
  row("CPU", Place::kCpu,
      facts.support.accelerator ? "the runtime's own kernels, beside it" : "the runtime's own kernels");
  row("nothing", Place::kRefused, "");
  row("(gone)", Place::kFolded, "folded at load: constants, shapes, Identity");
  return "\n" + table.text();
}

std::string nodes_of(const CheckFacts& facts, const std::vector<const PlacedUnit*>& units) {
  std::string text;
  for (size_t i = 0; i < std::min(units.size(), kShownNodes); ++i)
    text += (i == 0 ? "" : ", ") + address_of(facts, units[i]->node, 40);
  if (units.size() > kShownNodes) text += " and " + std::to_string(units.size() - kShownNodes) + " more";
  return text;
}

// "Add 35, MatMul 32, ...", most first.
std::string ops_of(const CauseGroup& group) {
  std::vector<std::pair<std::string, size_t>> sorted(group.ops.begin(), group.ops.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text;
  for (const auto& [op, count] : sorted)
    text += (text.empty() ? "" : ", ") + printable(op, 60) + " " + std::to_string(count);
  return text;
}

std::string right_aligned(const std::string& text, size_t width) {
  return std::string(text.size() < width ? width - text.size() : 0, ' ') + text;
}

std::string causes_text(const CheckFacts& facts) {
  const std::vector<CauseGroup> groups = cause_groups(facts);
  if (groups.empty()) return {};
  std::string text = "\nnot on " + accelerator_name(facts) + ":\n";
  for (const CauseGroup& group : groups) {
    text += wrapped(right_aligned(std::to_string(group.units.size()), 5),
                    printable(group.cause->text, 400) + " (" + line_of(facts, group.cause->position) + ")", 7);
    if (!group.cause->advice.empty()) text += wrapped("", "change: " + group.cause->advice, 7);
    text += wrapped("", ops_of(group) + ": " + nodes_of(facts, group.units), 7);
  }
  return text;
}

size_t cuts_of(const TargetCheck& check) { return check.partitions.empty() ? 0 : check.partitions.size() - 1; }

std::string partitions_text(const CheckFacts& facts) {
  const std::vector<Partition>& all = facts.check.partitions;
  if (all.size() < 2) return {};
  std::string text = "\npartitions (each cut moves values between " + accelerator_name(facts) + " and the CPU):\n";
  for (size_t p = 0; p < std::min(all.size(), kShownPartitions); ++p) {
    std::string words = counted(all[p].units.size(), "unit") + ", from " +
                        address_of(facts, facts.check.units[all[p].units.front()].node, 44);
    std::string cuts;
    for (size_t i = 0; i < std::min(all[p].ended_by.size(), kShownCuts); ++i) {
      const PlacedUnit& unit = facts.check.units[all[p].ended_by[i]];
      cuts += (i == 0 ? "" : ", ") + op_of(facts.index.node(unit.node)) + " " + address_of(facts, unit.node, 40);
    }
    if (all[p].ended_by.size() > kShownCuts)
      cuts += " and " + std::to_string(all[p].ended_by.size() - kShownCuts) + " more";
    if (!cuts.empty()) words += "; cut by " + cuts;
    text += wrapped(right_aligned(std::to_string(p + 1), 5), words, 7);
  }
  if (all.size() > kShownPartitions)
    text += "  and " + std::to_string(all.size() - kShownPartitions) + " more (--json)\n";
  return text;
}

std::string sources_text(const CheckFacts& facts) {
  std::map<std::string, std::string> sources;
  for (const CauseGroup& group : cause_groups(facts)) {
    if (!group.cause->source.empty()) sources[line_of(facts, group.cause->position)] = group.cause->source;
  }
  if (sources.empty()) return {};
  std::string text = "\nsources:\n";
  for (const auto& [line, source] : sources) text += wrapped("  " + line, source, 26);
  return text;
}

std::string verdict(const CheckFacts& facts) {
  const TargetCheck& check = facts.check;
  if (!check.refusals.empty()) return "cannot run: " + check.refusals[0];
  const size_t refused = check.count(Place::kRefused), cpu = check.count(Place::kCpu);
  const size_t taken = check.count(Place::kAccelerator);
  if (refused > 0) return "cannot run: " + counted(refused, "unit") + " that nothing here runs";
  if (!facts.support.accelerator) return "runs on the runtime's CPU kernels";
  if (taken == 0) return "runs, but on the CPU alone: " + accelerator_name(facts) + " takes nothing of it";
  if (cpu == 0)
    return "runs on " + accelerator_name(facts) + " alone, in " + counted(check.partitions.size(), "partition");
  return "runs, with " + counted(cpu, "unit") + " on the CPU and " + counted(cuts_of(check), "cut");
}

std::vector<const PlacedUnit*> in_node_order(const TargetCheck& check) {
  std::vector<const PlacedUnit*> units;
  for (const PlacedUnit& unit : check.units) units.push_back(&unit);
  std::stable_sort(units.begin(), units.end(),
                   [](const PlacedUnit* a, const PlacedUnit* b) { return a->node < b->node; });
  return units;
}

Json cause_json(const CheckFacts& facts, const Cause& cause) {
  return {{"text", cause.text},
          {"change", cause.advice},
          {"line", line_of(facts, cause.position)},
          {"source", cause.source}};
}

Json unit_json(const CheckFacts& facts, const PlacedUnit& unit) {
  const NodeInfo& node = facts.index.node(unit.node);
  Json json = {{"node", node.address},
               {"op", op_of(node)},
               {"nodes", unit.nodes.size()},
               {"on_codes", unit.on_codes},
               {"place", name_of(unit.place)}};
  if (unit.partition >= 0) json["partition"] = unit.partition + 1;
  if (!unit.cause.text.empty()) json["cause"] = cause_json(facts, unit.cause);
  return json;
}

}  // namespace

std::string check_text(const CheckFacts& facts) {
  std::string text =
      header_text(facts) + sums_text(facts) + causes_text(facts) + partitions_text(facts) + sources_text(facts);
  for (const std::string& note : facts.check.notes) text += "\n" + wrapped("", note, 2);
  for (size_t i = 1; i < facts.check.refusals.size(); ++i) text += "\n" + facts.check.refusals[i] + "\n";
  return text + "\n" + wrapped("", verdict(facts), 2);
}

std::string check_nodes_text(const CheckFacts& facts) {
  Table table({"runs on", "part", "operator", "node", "why not"}, "<><<<", 4, kWidth);
  for (const PlacedUnit* unit : in_node_order(facts.check)) {
    const std::string where = unit->place == Place::kAccelerator ? accelerator_name(facts)
                              : unit->place == Place::kCpu       ? "CPU"
                              : unit->place == Place::kFolded    ? "(gone)"
                                                                 : "nothing";
    table.row({where, unit->partition < 0 ? "" : std::to_string(unit->partition + 1),
               op_of(facts.index.node(unit->node)), address_of(facts, unit->node, 40), unit->cause.text});
  }
  return header_text(facts) + "\n" + table.text() + "\n" + wrapped("", verdict(facts), 2);
}

Json check_json(const CheckFacts& facts) {
  Json units = Json::array(), partitions = Json::array();
  for (const PlacedUnit* unit : in_node_order(facts.check)) units.push_back(unit_json(facts, *unit));
  for (const Partition& partition : facts.check.partitions) {
    Json cuts = Json::array();
    for (const size_t u : partition.ended_by) cuts.push_back(facts.index.node(facts.check.units[u].node).address);
    partitions.push_back({{"units", partition.units.size()}, {"ended_by", std::move(cuts)}});
  }
  Json counts = Json::object();
  for (const Place place : {Place::kAccelerator, Place::kCpu, Place::kRefused, Place::kFolded}) {
    const PlaceSum sum = sum_of(facts.check, place);
    counts[std::string(name_of(place))] = {{"units", sum.units}, {"on_codes", sum.on_codes}, {"nodes", sum.nodes}};
  }
  return {{"schema", "vetquant.check/1"},
          {"model", facts.model},
          {"target", facts.target.name},
          {"target_digest", facts.target.digest},
          {"status", name_of(facts.support.status)},
          {"accelerator", facts.support.accelerator ? facts.support.accelerator->name : std::string()},
          {"steps", facts.steps},
          {"runs", facts.check.runs()},
          {"verdict", verdict(facts)},
          {"refusals", facts.check.refusals},
          {"notes", facts.check.notes},
          {"counts", counts},
          {"partitions", partitions},
          {"units", units}};
}

}  // namespace vetquant::cli
