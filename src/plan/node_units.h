// Nodes grouped as ONNX Runtime's execution providers see them (vetquant/plan/target_check.h).
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "vetquant/model/graph_index.h"

namespace vetquant::plan {

// Scale and zero point of a QuantizeLinear or DequantizeLinear, as far as they are constants.
struct PairParameters {
  DType type = DType::kUndefined;    // of the codes
  std::vector<float> scales;         // empty: computed
  std::vector<int64_t> zero_points;  // empty: all 0
  bool by_block = false;
  bool known() const { return !scales.empty(); }
  bool symmetric() const;  // zero points are 0, or the middle of unsigned codes
  bool operator==(const PairParameters&) const = default;
};

struct NodeUnit {
  NodeId node;
  std::vector<NodeId> dequantize, quantize;  // of a unit on codes
  NodeId clip;                               // a Relu before QuantizeLinear that rounding makes superfluous
  bool on_codes() const { return !dequantize.empty(); }
  std::vector<ValueId> inputs, outputs;  // what crosses its border; constants included
};

struct UnitContext {
  const GraphIndex& index;
  const ConstantFinder& constants;
  const std::vector<ValueType>& types;
  const std::set<NodeId>& folded;  // nodes that are gone at load
};

bool is_dequantize(const onnx::NodeProto& node);
bool is_quantize(const onnx::NodeProto& node);
PairParameters pair_parameters(const UnitContext& context, const NodeInfo& node);

// The units of one scope, in node order. A DequantizeLinear that several units read is part of each.
std::vector<NodeUnit> node_units(const UnitContext& context, ScopeId scope);

}  // namespace vetquant::plan
