// What ActivationPlanner chose, as the plan's nodes, activations, constants and biases.
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>

#include "activations.h"
#include "sizes.h"

namespace vetquant::plan {

QuantSpec constant_spec(DType type, Symmetry symmetry) {
  QuantSpec spec;
  spec.code_type = type;
  spec.symmetry = symmetry;
  return spec;
}

PlannedNode& ActivationPlanner::node_in(Plan& plan, const Member& member) const {
  const auto found = std::find_if(plan.nodes.begin(), plan.nodes.end(), [&](const PlannedNode& node) {
    return node.node == member.node && node.form == Form::kQdq;
  });
  if (found != plan.nodes.end()) return *found;
  PlannedNode node;
  node.node = member.node;
  node.form = Form::kQdq;
  plan.nodes.push_back(std::move(node));
  return plan.nodes.back();
}

// Scalars and others that are no sites.
void ActivationPlanner::add_constants(Plan& plan, const Member& member, PlannedNode& planned) const {
  if (member.op->kind != StaticKind::kComputes) return;
  const NodeInfo& node = context_.index.node(member.node);
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (!is_data_input(*member.op, node, i)) continue;
    const std::optional<TensorView> constant = context_.constants.find(node.inputs[i]);
    const int input = static_cast<int>(i);
    const bool known = std::any_of(plan.tensors.begin(), plan.tensors.end(), [&](const PlannedTensor& tensor) {
      return std::any_of(tensor.uses.begin(), tensor.uses.end(),
                         [&](const auto& use) { return use.node == member.node && use.input == input; });
    });
    if (!constant || known) continue;
    PlannedTensor tensor;
    tensor.id = static_cast<int>(plan.tensors.size());
    tensor.name = context_.index.address(node.inputs[i]);
    tensor.view = *constant;
    tensor.source_type = constant->dtype();
    tensor.stored_type = member.type;
    tensor.form = Form::kQdq;
    tensor.spec = constant_spec(member.type, member.symmetry);
    tensor.uses = {{.node = member.node, .input = input, .transposed = false}};
    tensor.elements = constant->elements();
    tensor.bytes_before = source_bytes(*constant);
    tensor.bytes_after = stored_bytes(tensor.form, constant->shape(), tensor.spec, tensor.layout);
    tensor.reason = decider_.book().reason(member.asked.rule, "an operand of static " + node.proto->op_type());
    planned.tensors.push_back(tensor.id);
    plan.tensors.push_back(std::move(tensor));
  }
}

void ActivationPlanner::add_bias(Plan& plan, const Member& member) {
  const NodeInfo& node = context_.index.node(member.node);
  if (member.op->kind != StaticKind::kProduct || node.inputs.size() < 3 || !node.inputs[2].valid()) return;
  const TensorView view = *context_.constants.find(node.inputs[2]);
  PlannedBias bias;
  bias.node = member.node;
  bias.view = *view.reshaped({static_cast<int64_t>(view.elements())});
  const int group = group_of(slot_of(member, node.inputs[0]));
  bias.input_scale =
      quant::activation_parameters(ranges_[static_cast<size_t>(group)], member.type, member.symmetry).scale;
  for (const PlannedTensor& tensor : plan.tensors) {
    for (const auto& use : tensor.uses) {
      if (use.node == member.node && use.input == 1) bias.weight = tensor.id;
    }
  }
  plan.biases.push_back(std::move(bias));
}

void ActivationPlanner::add_to(Plan& plan) {
  std::vector<ValueId> vanished;  // what Relu and Clip read that are not computed
  for (const Member& member : members_) {
    const NodeInfo& node = context_.index.node(member.node);
    PlannedNode& planned = node_in(plan, member);
    planned.activation_type = member.type;
    planned.activation_symmetry = member.symmetry;
    planned.in_range_of_input = member.in_range_of_input;
    if (member.op->kind != StaticKind::kProduct || planned.tensors.empty()) {
      planned.reason = decider_.book().reason(
          member.asked.rule, member.in_range_of_input
                                 ? "its limits are the ends of the codes: part of " +
                                       context_.index.node(context_.index.value(node.inputs[0]).producer).address
                                 : "static activations");
    }
    if (member.in_range_of_input) vanished.push_back(node.inputs[0]);
    add_constants(plan, member, planned);
    add_bias(plan, member);
  }
  std::map<int, int> first_of_group;
  for (const Slot& slot : slots_) {
    if (std::find(vanished.begin(), vanished.end(), slot.value) != vanished.end()) continue;
    PlannedActivation activation;
    activation.value = slot.value;
    activation.type = slot.type;
    activation.symmetry = slot.symmetry;
    const int group = group_of(slot);
    activation.range = ranges_[static_cast<size_t>(group)];
    activation.parameters = quant::activation_parameters(activation.range, slot.type, slot.symmetry);
    activation.group = first_of_group.try_emplace(group, static_cast<int>(plan.activations.size())).first->second;
    plan.activations.push_back(activation);
  }
  plan.float_nodes = std::move(float_nodes_);
  // A bias in codes is not one that stays float.
  std::erase_if(plan.kept, [&](const KeptWeight& kept) {
    return std::any_of(plan.biases.begin(), plan.biases.end(), [&](const PlannedBias& bias) {
      const NodeInfo& node = context_.index.node(bias.node);
      return kept.node == node.address && !bias.view.pieces().empty() &&
             (kept.name == bias.view.pieces()[0].stored->address ||
              kept.name == context_.index.address(node.inputs[2]));
    });
  });
}

}  // namespace vetquant::plan
