#include "vetquant/plan/target_check.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>
#include <set>

#include "folded.h"
#include "node_units.h"
#include "open_shapes.h"
#include "operator_rules.h"
#include "partitions.h"
#include "roles.h"
#include "vetquant/core/text.h"
#include "vetquant/model/rewrites.h"
#include "vetquant/policy/operator_support.h"

namespace vetquant {
namespace {

using plan::NodeUnit;
using plan::UnitContext;

// Domains whose operators ONNX Runtime itself has.
bool is_known_domain(const std::string& domain, const TargetProfile& target) {
  if (domain.empty() || domain == "ai.onnx" || domain == "ai.onnx.ml") return true;
  return target.contrib_ops && (domain == "com.microsoft" || domain.starts_with("com.microsoft."));
}

class Checker {
 public:
  Checker(const Model& model, const GraphIndex& index, const ConstantFinder& constants, const TargetProfile& target,
          const TargetSupport& support)
      : index_(index),
        target_(target),
        accelerator_(support.accelerator.get()),
        types_(runtime_types(model, index)),
        folded_(plan::folded_at_load(index, constants, types_)),
        context_{index, constants, types_, folded_},
        functions_(plan::local_functions(index)) {}

  TargetCheck run() {
    check_versions();
    for (size_t s = 0; s < index_.scopes().size(); ++s) {
      const ScopeId scope{static_cast<int32_t>(s)};
      if (index_.scope(scope).kind == ScopeKind::kFunction) continue;
      std::vector<NodeUnit> units = node_units(context_, scope);
      const size_t first = result_.units.size();
      for (const NodeUnit& unit : units) result_.units.push_back(placed(unit, scope));
      partition(units, first);
    }
    for (const NodeId id : folded_) {
      PlacedUnit unit;
      unit.node = id;
      unit.nodes = {id};
      unit.place = Place::kFolded;
      result_.units.push_back(std::move(unit));
    }
    note_functions();
    return std::move(result_);
  }

 private:
  void check_versions() {
    const int64_t opset = index_.opset(ScopeId{0}, ""), ir = index_.skeleton().ir_version();
    if (target_.max_opset > 0 && opset > target_.max_opset) {
      result_.refusals.push_back("the model has opset " + std::to_string(opset) + ", the target takes up to " +
                                 std::to_string(target_.max_opset) + "; export it at a lower one");
    }
    if (target_.max_ir_version > 0 && ir > target_.max_ir_version) {
      result_.refusals.push_back("the model has IR version " + std::to_string(ir) + ", the target takes up to " +
                                 std::to_string(target_.max_ir_version));
    }
  }

  PlacedUnit placed(const NodeUnit& unit, ScopeId scope) const {
    PlacedUnit placed;
    placed.node = unit.node;
    placed.on_codes = unit.on_codes();
    placed.nodes = unit.dequantize;
    placed.nodes.push_back(unit.node);
    if (unit.clip.valid()) placed.nodes.push_back(unit.clip);
    placed.nodes.insert(placed.nodes.end(), unit.quantize.begin(), unit.quantize.end());
    const onnx::NodeProto& proto = *index_.node(unit.node).proto;
    const bool local = functions_.contains({proto.domain(), proto.op_type()});
    if (!local && !is_known_domain(proto.domain(), target_)) {
      placed.place = Place::kRefused;
      placed.cause.text = "operators of " + printable(proto.domain(), 60) + " are unknown to the runtime";
      return placed;
    }
    if (accelerator_ == nullptr) return placed;
    std::optional<Cause> cause = obstacle(unit, scope, local);
    placed.place = !cause ? Place::kAccelerator : accelerator_->cpu_fallback ? Place::kCpu : Place::kRefused;
    if (cause) placed.cause = std::move(*cause);
    return placed;
  }

  std::optional<Cause> obstacle(const NodeUnit& unit, ScopeId scope, bool local) const {
    const Accelerator& accelerator = *accelerator_;
    if (index_.scope(scope).kind == ScopeKind::kSubgraph && !accelerator.subgraphs)
      return general("it is inside If, Loop or Scan");
    if (local) return general("a local function: inline it, so that its nodes can be judged");
    if (accelerator.border_pairs_on_cpu && accelerator.cpu_fallback && is_border_pair(unit))
      return general("pairs at the model's inputs and outputs are left to the CPU");
    plan::Verdict verdict = verdict_on(context_, accelerator, unit);
    if (verdict.cause) return std::move(verdict.cause);
    return shape_obstacle(unit, verdict.row->fixed_shapes.value_or(accelerator.fixed_shapes));
  }

  // QuantizeLinear of a model's input, DequantizeLinear of its output.
  bool is_border_pair(const NodeUnit& unit) const {
    const NodeInfo& node = index_.node(unit.node);
    if (unit.on_codes() || node.inputs.empty() || node.outputs.empty()) return false;
    const ValueInfo& input = index_.value(node.inputs[0]);
    if (plan::is_quantize(*node.proto)) return input.kind == ValueKind::kInput;
    return plan::is_dequantize(*node.proto) && index_.value(node.outputs[0]).is_scope_output;
  }

  Cause general(std::string text, std::string advice = {}) const {
    return {std::move(text), std::move(advice), {}, accelerator_->source};
  }

  std::optional<Cause> shape_obstacle(const NodeUnit& unit, bool must_be_fixed) const {
    const Accelerator& accelerator = *accelerator_;
    std::vector<ValueId> values = unit.inputs;
    values.insert(values.end(), unit.outputs.begin(), unit.outputs.end());
    for (const ValueId value : values) {
      if (!value.valid()) continue;
      const ValueType& type = types_[static_cast<size_t>(value.value)];
      if (type.has_shape && accelerator.max_rank && static_cast<int64_t>(type.shape.size()) > *accelerator.max_rank) {
        return general("it touches a value of " + std::to_string(type.shape.size()) + " axes; taken are up to " +
                       std::to_string(*accelerator.max_rank));
      }
      for (const int64_t dim : type.shape) {
        if (accelerator.max_dim && dim > *accelerator.max_dim) {
          return general("it touches a dimension of " + std::to_string(dim) + "; taken are up to " +
                         std::to_string(*accelerator.max_dim));
        }
      }
      const bool constant = context_.constants.find(value).has_value() || is_folded(value);
      if (must_be_fixed && !constant && plan::is_open(type, first_fixed_axis()))
        return general("its shapes are not fixed", shape_advice());
    }
    return std::nullopt;
  }

  bool is_folded(ValueId value) const {
    const NodeId maker = index_.value(value).producer;
    return maker.valid() && folded_.contains(maker);
  }

  std::string shape_advice() const {
    const std::string options = plan::shape_options(index_, types_, first_fixed_axis());
    return options.empty() ? "its shapes hang on data: no --shape can fix them" : "fix them: " + options;
  }
  size_t first_fixed_axis() const { return accelerator_->open_batch ? 1 : 0; }

  void partition(const std::vector<NodeUnit>& units, size_t first) {
    plan::UnitGraph graph;
    graph.readers.resize(units.size());
    graph.inputs.assign(units.size(), 0);
    std::map<ValueId, size_t> maker;
    for (size_t u = 0; u < units.size(); ++u) {
      graph.taken.push_back(result_.units[first + u].place == Place::kAccelerator);
      for (const ValueId output : units[u].outputs) {
        if (output.valid()) maker[output] = u;
      }
    }
    for (size_t u = 0; u < units.size(); ++u) {
      for (const ValueId input : units[u].inputs) {
        const auto found = maker.find(source_of(input));
        if (found == maker.end() || found->second == u) continue;
        graph.readers[found->second].push_back(u);
        ++graph.inputs[u];
      }
    }
    for (const plan::UnitGroup& group : unit_groups(graph)) {
      Partition partition;
      for (const size_t u : group.units) {
        result_.units[first + u].partition = static_cast<int>(result_.partitions.size());
        partition.units.push_back(first + u);
      }
      for (const size_t u : group.border) partition.ended_by.push_back(first + u);
      result_.partitions.push_back(std::move(partition));
    }
  }

  // Past Identity and Dropout that are taken away.
  ValueId source_of(ValueId value) const {
    while (value.valid()) {
      const NodeId node = index_.value(value).producer;
      if (!node.valid() || !folded_.contains(node)) break;
      const NodeInfo& info = index_.node(node);
      const bool passes = info.proto->op_type() == "Identity" || info.proto->op_type() == "Dropout";
      if (!passes || info.inputs.empty()) break;
      value = info.inputs[0];
    }
    return value;
  }

  void note_functions() {
    size_t nodes = 0;
    for (const ScopeInfo& scope : index_.scopes()) {
      if (scope.kind == ScopeKind::kFunction) nodes += scope.nodes.size();
    }
    if (nodes > 0) {
      result_.notes.push_back(counted(nodes, "node") +
                              " in local functions not judged: the runtime inlines them first; inline them to see");
    }
  }

  const GraphIndex& index_;
  const TargetProfile& target_;
  const Accelerator* accelerator_;  // null: a CPU
  const std::vector<ValueType> types_;
  const std::set<NodeId> folded_;
  const UnitContext context_;
  const plan::FunctionNames functions_;
  TargetCheck result_;
};

}  // namespace

std::string_view name_of(Place place) {
  switch (place) {
    case Place::kAccelerator:
      return "accelerator";
    case Place::kCpu:
      return "cpu";
    case Place::kRefused:
      return "refused";
    case Place::kFolded:
      return "folded";
  }
  return {};
}

size_t TargetCheck::count(Place place) const {
  return static_cast<size_t>(
      std::count_if(units.begin(), units.end(), [&](const PlacedUnit& unit) { return unit.place == place; }));
}

bool TargetCheck::runs() const { return refusals.empty() && count(Place::kRefused) == 0; }

TargetCheck check_target(const Model& model, const GraphIndex& index, const ConstantFinder& constants,
                         const TargetProfile& target, const TargetSupport& support) {
  return Checker(model, index, constants, target, support).run();
}

}  // namespace vetquant
