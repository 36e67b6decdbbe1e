// Static activations, a matter of the whole graph: which nodes compute between codes, which values share parameters, which
// Relu and Clip end where the codes of their input do, and which constants and biases become codes beside the weights.
#pragma once

#include <map>
#include <vector>

#include "decide.h"
#include "static_rules.h"

namespace vetquant::plan {

class ActivationPlanner {
 public:
  ActivationPlanner(const Decider& decider, std::vector<Choice>& choices);

  // Once the weights' forms are settled: chooses the nodes. Constants that stand for activations get form kQdq, and weights
  // whose node does not compute between codes after all lose it.
  void choose();
  // Once the tensors are assembled: nodes, activations, biases, and the reasons of nodes that stay float.
  void add_to(Plan& plan);

 private:
  struct Member {  // of the static nodes, in node order
    NodeId node;
    const StaticOp* op = nullptr;
    Choice asked;
    DType type = DType::kUint8;
    Symmetry symmetry = Symmetry::kAsymmetric;
    bool in_range_of_input = false;
    bool gives_codes = true;  // false: MatMul and Gemm that only float nodes read
  };
  struct Slot {  // a value in codes of one kind
    ValueId value;
    DType type;
    Symmetry symmetry;
    auto operator<=>(const Slot&) const = default;
  };

  void consider(NodeId id);
  std::optional<Choice> wish_at(NodeId id) const;
  std::string why_not(const NodeInfo& node, NodeId id, const StaticOp* op, const Choice& asked) const;
  std::string why_not_inputs(const NodeInfo& node, const StaticOp& op, const Choice& asked) const;
  std::string why_not_constant(const NodeInfo& node, const StaticOp& op, const Choice& asked) const;
  void drop_what_nobody_wants();
  bool is_wanted(const Member& member) const;
  void take_constants(const Member& member);

  Slot slot_of(const Member& member, ValueId value) const { return {value, member.type, member.symmetry}; }
  int group_of(const Slot& slot);
  void join(int a, int b);
  void make_groups();
  quant::ActivationRange range_for(const Slot& slot, const quant::ActivationRange& seen) const;
  void fold_clips();
  bool ends_where_it_clips(const Member& member);
  void add_constants(Plan& plan, const Member& member, PlannedNode& node) const;
  void add_bias(Plan& plan, const Member& member);
  PlannedNode& node_in(Plan& plan, const Member& member) const;

  const Decider& decider_;
  const FormContext& context_;
  std::vector<Choice>& choices_;
  std::vector<Member> members_;
  std::map<NodeId, size_t> member_of_;
  std::vector<FloatNode> float_nodes_;
  std::map<Slot, int> groups_;  // union-find: index into parent_
  std::vector<int> parent_;
  std::vector<Slot> slots_;                     // in the order in which they were met
  std::vector<quant::ActivationRange> ranges_;  // by root, the union of its members'
};

QuantSpec constant_spec(DType type, Symmetry symmetry);

}  // namespace vetquant::plan
