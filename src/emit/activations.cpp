// QuantizeLinear and DequantizeLinear around nodes that compute between codes, in the order that runtimes fuse: a value that
// such a node makes goes through the pair for all of its readers; one that was made in float keeps its float readers.
#include <onnx/onnx_pb.h>

#include <cstring>

#include "forms.h"
#include "vetquant/core/error.h"

namespace vetquant {
namespace {

template <class T>
std::string raw_of(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

std::string code_bytes(DType type, int code) {
  return bits_of(type) == 8 ? raw_of(static_cast<uint8_t>(code)) : raw_of(static_cast<uint16_t>(code));
}

class ActivationEmitter {
 public:
  explicit ActivationEmitter(EmitContext& context) : context_(context), index_(context.index()) {}

  void run() {
    for (const PlannedNode& node : context_.plan().nodes) {
      if (node.form == Form::kQdq && node.in_range_of_input) take_away(node);
    }
    for (const PlannedActivation& activation : context_.plan().activations) {
      if (is_made_in_codes(activation)) {
        quantize_for_all(activation);
      } else {
        quantize_for_some(activation);
      }
    }
    for (const PlannedBias& bias : context_.plan().biases) emit_bias(bias);
  }

 private:
  // Relu and Clip: their input's maker makes their output.
  void take_away(const PlannedNode& node) {
    const NodeInfo& info = index_.node(node.node);
    const ValueInfo& input = index_.value(info.inputs[0]);
    onnx::NodeProto& maker = context_.editor().node(input.producer);
    maker.set_output(input.producer_output, info.proto->output(0));
    maker_of_.emplace(info.outputs[0], std::pair(input.producer, input.producer_output));
    context_.editor().remove_node(node.node);
  }

  std::pair<NodeId, int> maker_of(ValueId value) const {
    if (const auto found = maker_of_.find(value); found != maker_of_.end()) return found->second;
    const ValueInfo& info = index_.value(value);
    return {info.producer, info.producer_output};
  }

  // Of the same kind of codes.
  bool works_in(const PlannedActivation& activation, NodeId node) const {
    const PlannedNode* planned = node.valid() ? context_.planned(node) : nullptr;
    return planned != nullptr && planned->form == Form::kQdq && planned->activation_type == activation.type &&
           planned->activation_symmetry == activation.symmetry;
  }
  bool is_made_in_codes(const PlannedActivation& activation) const {
    return works_in(activation, maker_of(activation.value).first);
  }

  // The maker's output takes a new name, the pair's output the old one.
  void quantize_for_all(const PlannedActivation& activation) {
    const auto [maker, output] = maker_of(activation.value);
    const std::string& name = index_.value(activation.value).name;
    const std::string made = context_.editor().unique_name(name + "_float");
    context_.editor().node(maker).set_output(output, made);
    NodeWriter writer(context_.editor(), context_.editor().after(maker), prefix_of(activation));
    pair(writer, made, activation, maker);
    writer.name_last(name);
  }

  void quantize_for_some(const PlannedActivation& activation) {
    const ValueInfo& value = index_.value(activation.value);
    const Place place = value.producer.valid() ? context_.editor().after(maker_of(activation.value).first)
                                               : context_.editor().start_of(value.scope);
    NodeWriter writer(context_.editor(), place, prefix_of(activation));
    std::string codes;
    for (const ValueUse& use : value.uses) {
      if (!works_in(activation, use.node)) continue;
      if (codes.empty()) codes = pair(writer, value.name, activation, use.node);
      if (is_activation_of(use)) context_.editor().set_input(use.node, use.input, codes);
    }
  }

  // Not a setting such as the limits of Clip, which are no activations of the plan.
  bool is_activation_of(const ValueUse& use) const {
    const std::string& op = index_.node(use.node).proto->op_type();
    return use.input < 2 || op == "Concat";
  }

  // New names begin with the value's, but for the long ones of some exporters: ten copies of these outweigh small weights.
  std::string prefix_of(const PlannedActivation& activation) const {
    constexpr size_t kLong = 40;
    const std::string& name = index_.value(activation.value).name;
    return name.size() <= kLong ? name : "vetquant/activation_" + std::to_string(activation.value.value);
  }

  std::string pair(NodeWriter& writer, const std::string& value, const PlannedActivation& activation, NodeId node) {
    const bool wide = bits_of(activation.type) == 16;
    const bool standard = context_.opset(node) >= (wide ? 21 : 10);
    if (!standard) context_.need_contrib(node, Form::kQdq);
    const std::string domain = standard ? "" : kContribDomain;
    const ScopeId scope = index_.node(node).scope;
    const PlannedActivation& first = context_.plan().activations[static_cast<size_t>(activation.group)];
    const std::string prefix = prefix_of(first);
    onnx::TensorProto zero;
    zero.set_data_type(static_cast<int>(activation.type));
    zero.set_raw_data(code_bytes(activation.type, activation.parameters.zero_point));
    const std::string scale = context_.editor().constant(
        scope, prefix + "_scale", float_constant(std::span(&activation.parameters.scale, 1), {}));
    const std::string zero_point = context_.editor().constant(scope, prefix + "_zero_point", std::move(zero));
    const std::string codes = writer.op("QuantizeLinear", {value, scale, zero_point}, domain);
    return writer.op("DequantizeLinear", {codes, scale, zero_point}, domain);
  }

  void emit_bias(const PlannedBias& bias) {
    const EmitContext::StoredBias stored = context_.store_bias(bias);
    const bool standard = context_.opset(bias.node) >= 13;
    if (!standard) context_.need_contrib(bias.node, Form::kQdq);
    onnx::TensorProto zeros;
    zeros.set_data_type(onnx::TensorProto::INT32);
    zeros.add_dims(bias.view.shape()[0]);
    zeros.set_raw_data(std::string(bias.view.elements() * sizeof(int32_t), '\0'));
    const std::string zero_point =
        context_.editor().constant(index_.node(bias.node).scope, "vetquant/bias_zero_point", std::move(zeros));
    NodeWriter writer = context_.before(bias.node);
    const std::string value =
        writer.op("DequantizeLinear", {stored.codes, stored.scale, zero_point}, standard ? "" : kContribDomain);
    set_int(writer.last(), "axis", 0);
    context_.editor().set_input(bias.node, bias.input, value);
  }

  EmitContext& context_;
  const GraphIndex& index_;
  std::map<ValueId, std::pair<NodeId, int>> maker_of_;  // of values whose own node was taken away
};

}  // namespace

void emit_activations(EmitContext& context) { ActivationEmitter(context).run(); }

}  // namespace vetquant
