#include "vetquant/emit/simulation.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <set>

#include "forms.h"

namespace vetquant {
namespace {

class Simulating {
 public:
  Simulating(const Model& model, const GraphIndex& index, const Plan& plan, const TargetProfile& target)
      : index_(index), plan_(plan), context_(model, index, plan, target) {}

  Simulation run() {
    for (const PlannedNode& node : plan_.nodes) {
      if (node.form == Form::kQdq) add_weights(node);
    }
    for (const PlannedActivation& activation : plan_.activations) add_activation(activation.value, activation.type);
    for (const PlannedNode& node : plan_.nodes) {
      if (node.in_range_of_input) add_activation(index_.node(node.node).inputs[0], node.activation_type);
    }
    result_.emitted = context_.finish();
    return std::move(result_);
  }

 private:
  // A scalar; finish() wants to know it.
  std::string input(const std::string& wish, DType type) {
    onnx::ValueInfoProto& input = *context_.editor().model().mutable_graph()->add_input();
    input.set_name(context_.editor().unique_name("vetquant_" + wish));
    onnx::TypeProto::Tensor& tensor = *input.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(static_cast<int>(type));
    tensor.mutable_shape();
    return input.name();
  }

  void add_weights(const PlannedNode& node) {
    for (const int id : node.tensors) {
      const PlannedTensor& tensor = context_.tensor(id);
      if (tensor.form != Form::kQdq) continue;
      SimulationSwitch& on = result_.weights[id];
      if (on.on.empty()) on.on = input("on_weight_" + std::to_string(id), DType::kBool);
      for (const auto& use : tensor.uses) {
        if (use.node != node.node) continue;
        const std::string original = index_.node(use.node).proto->input(use.input);
        const std::string& coded =
            context_.shared_value(tensor, use.transposed, [&] { return dequantize_value(context_, tensor); });
        NodeWriter writer = context_.before(use.node);
        context_.editor().set_input(use.node, use.input, writer.op("Where", {on.on, coded, original}));
      }
    }
  }

  bool is_static(NodeId node) const {
    const PlannedNode* planned = node.valid() ? context_.planned(node) : nullptr;
    return planned != nullptr && planned->form == Form::kQdq;
  }

  // Not a setting such as the limits of Clip.
  bool is_activation_of(const ValueUse& use) const {
    return is_static(use.node) && (use.input < 2 || index_.node(use.node).proto->op_type() == "Concat");
  }

  // Made between codes: for all readers, as emit does it. Made in float: for those that compute between codes.
  void add_activation(ValueId id, DType type) {
    if (!done_.insert(id).second) return;
    const ValueInfo& value = index_.value(id);
    const std::string suffix = std::to_string(id.value);
    SimulationSwitch on{.on = input("on_" + suffix, DType::kBool),
                        .scale = input("scale_" + suffix, DType::kFloat32),
                        .zero_point = input("zero_point_" + suffix, type),
                        .type = type};
    if (is_static(value.producer)) {
      const std::string made = context_.editor().unique_name("vetquant_float_" + suffix);
      context_.editor().node(value.producer).set_output(value.producer_output, made);
      NodeWriter writer(context_.editor(), context_.editor().after(value.producer), "vetquant_" + suffix);
      rounding(writer, made, on);
      writer.name_last(value.name);
    } else {
      const Place place =
          value.producer.valid() ? context_.editor().after(value.producer) : context_.editor().start_of(value.scope);
      NodeWriter writer(context_.editor(), place, "vetquant_" + suffix);
      const std::string rounded = rounding(writer, value.name, on);
      for (const ValueUse& use : value.uses) {
        if (is_activation_of(use)) context_.editor().set_input(use.node, use.input, rounded);
      }
    }
    result_.activations.emplace(id, std::move(on));
  }

  // If, so that what is off costs no more than a copy.
  std::string rounding(NodeWriter& writer, const std::string& value, const SimulationSwitch& on) {
    context_.editor().import_domain(ScopeId{0}, kContribDomain, 1);
    const std::string rounded = writer.op("If", {on.on});
    onnx::NodeProto& node = writer.last();
    onnx::GraphProto& yes = branch(node, "then_branch");
    const std::string codes = context_.editor().unique_name(value + "_codes"),
                      back = context_.editor().unique_name(value + "_back"),
                      same = context_.editor().unique_name(value + "_same");
    add(yes, "QuantizeLinear", {value, on.scale, on.zero_point}, codes);
    add(yes, "DequantizeLinear", {codes, on.scale, on.zero_point}, back);
    give(yes, back);
    onnx::GraphProto& no = branch(node, "else_branch");
    add(no, "Identity", {value}, same);
    give(no, same);
    return rounded;
  }

  static onnx::GraphProto& branch(onnx::NodeProto& node, const std::string& name) {
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::GRAPH);
    attribute.mutable_g()->set_name(name);
    return *attribute.mutable_g();
  }

  static void add(onnx::GraphProto& graph, const std::string& op, const std::vector<std::string>& inputs,
                  const std::string& output) {
    onnx::NodeProto& node = *graph.add_node();
    node.set_op_type(op);
    if (op != "Identity") node.set_domain(kContribDomain);
    node.set_name(output);
    for (const std::string& name : inputs) node.add_input(name);
    node.add_output(output);
  }

  static void give(onnx::GraphProto& graph, const std::string& value) {
    onnx::ValueInfoProto& output = *graph.add_output();
    output.set_name(value);
    output.mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
  }

  const GraphIndex& index_;
  const Plan& plan_;
  EmitContext context_;
  Simulation result_;
  std::set<ValueId> done_;
};

}  // namespace

Simulation emit_simulation(const Model& model, const GraphIndex& index, const Plan& plan, const TargetProfile& target) {
  return Simulating(model, index, plan, target).run();
}

}  // namespace vetquant
