// Where each node of a model would run on a target, and why: what `vetquant check` shows. Reads no weights but the scales and
// zero points beside them.
//
// Nodes are looked at in *units*, as ONNX Runtime's execution providers do: DequantizeLinear -> operator -> QuantizeLinear is
// one unit that computes on codes (onnxruntime/core/framework/node_unit.h and qdq_transformer/selectors_actions). What has only
// constants for inputs, or tells shapes that are fixed, is gone before a provider is asked: constant folding comes first.
// Units that the accelerator takes are gathered into partitions by the greedy walk of
// onnxruntime/core/providers/partitioning_utils.cc (a variant of Kahn's topological sort).
#pragma once

#include <string>
#include <vector>

#include "vetquant/model/graph_index.h"
#include "vetquant/policy/operator_support.h"
#include "vetquant/policy/target.h"

namespace vetquant {

enum class Place {
  kAccelerator,
  kCpu,      // the runtime's CPU kernels: between partitions, or where the target has no accelerator
  kRefused,  // nothing on this target runs it
  kFolded,   // constant, or taken away, when the model is loaded
};
std::string_view name_of(Place place);  // "accelerator", "cpu", "refused", "folded"

// Why a unit is not on the accelerator.
struct Cause {
  std::string text;         // "its mode is cubic; taken are linear, nearest"
  std::string advice;       // what to change in policy, model or call; may be empty
  SourcePosition position;  // the profile's line that decided; line 0: none
  std::string source;       // of that line
};

struct PlacedUnit {
  NodeId node;                // the operator
  std::vector<NodeId> nodes;  // with the DequantizeLinear and QuantizeLinear that belong to it
  bool on_codes = false;
  Place place = Place::kCpu;
  int partition = -1;  // on the accelerator
  Cause cause;         // not on the accelerator
};

struct Partition {
  std::vector<size_t> units;  // indices of TargetCheck::units
  std::vector<size_t>
      ended_by;  // units that are not taken, read this partition's results, and have more taken ones behind them
};

struct TargetCheck {
  std::vector<PlacedUnit> units;  // by node; nodes of local functions are not among them
  std::vector<Partition> partitions;
  std::vector<std::string> refusals;  // of the model as a whole: opset, IR version
  std::vector<std::string> notes;
  size_t count(Place place) const;
  bool runs() const;  // no refusals, nothing refused
};

// `support`: of the target (support_of), or as the caller wants it.
TargetCheck check_target(const Model& model, const GraphIndex& index, const ConstantFinder& constants,
                         const TargetProfile& target, const TargetSupport& support);

}  // namespace vetquant
