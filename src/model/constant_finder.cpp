#include <onnx/onnx_pb.h>

#include <algorithm>
#include <unordered_map>

#include "attributes.h"
#include "constant_steps.h"
#include "load_limits.h"
#include "vetquant/model/graph_index.h"

namespace vetquant {

struct ConstantFinder::State {
  const Model& model;
  const GraphIndex& index;
  std::unordered_map<int32_t, TensorView> views;  // by ValueId::value
  uint64_t pieces = 0;

  void add(ValueId value, TensorView view) {
    pieces += view.pieces().size();
    if (pieces > limits::kAllViewPieces) return;  // a hostile web of Concats: no longer seen as constant
    views.emplace(value.value, std::move(view));
  }

  void add_stored(ValueId value, const onnx::TensorProto& tensor) {
    if (bits_of(static_cast<DType>(tensor.data_type())) == 0) return;  // strings, types of tomorrow
    if (tensor.data_location() == onnx::TensorProto::EXTERNAL && mark_of(tensor, kPayloadMark) < 0) return;  // declared
    add(value, TensorView(model.stored(tensor, index.address(value))));
  }

  void add_constant_node(const NodeInfo& node);
  void add_step(const NodeInfo& node);
};

namespace {

// Constant's scalars and short lists as tensors; an undefined type where there is no number.
onnx::TensorProto tensor_of_numbers(const onnx::NodeProto& node) {
  using Attribute = onnx::AttributeProto;
  onnx::TensorProto tensor;
  if (const auto* scalar = find_attribute(node, "value_float", Attribute::FLOAT)) {
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    tensor.add_float_data(scalar->f());
  } else if (const auto* integer = find_attribute(node, "value_int", Attribute::INT)) {
    tensor.set_data_type(onnx::TensorProto::INT64);
    tensor.add_int64_data(integer->i());
  } else if (const auto* floats = find_attribute(node, "value_floats", Attribute::FLOATS)) {
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    tensor.add_dims(floats->floats_size());
    *tensor.mutable_float_data() = floats->floats();
  } else if (const auto* ints = find_attribute(node, "value_ints", Attribute::INTS)) {
    tensor.set_data_type(onnx::TensorProto::INT64);
    tensor.add_dims(ints->ints_size());
    *tensor.mutable_int64_data() = ints->ints();
  }
  return tensor;
}

}  // namespace

void ConstantFinder::State::add_constant_node(const NodeInfo& node) {
  if (node.outputs.size() != 1 || !node.outputs[0].valid()) return;
  if (const auto* tensor = constant_tensor(*node.proto)) {
    add_stored(node.outputs[0], *tensor);
  } else if (const auto numbers = tensor_of_numbers(*node.proto); numbers.has_data_type()) {
    add_stored(node.outputs[0], numbers);
  }
}

void ConstantFinder::State::add_step(const NodeInfo& node) {
  if (node.outputs.size() != 1 || !node.outputs[0].valid()) return;
  std::vector<const TensorView*> inputs;
  for (ValueId input : node.inputs) {
    const auto view = input.valid() ? views.find(input.value) : views.end();
    inputs.push_back(view == views.end() ? nullptr : &view->second);
  }
  if (auto view = apply_constant_step(*node.proto, inputs)) add(node.outputs[0], std::move(*view));
}

// Nodes stand in the index in the order of their definition, outer scopes first: one pass sees every input before its
// use.
ConstantFinder::ConstantFinder(const Model& model, const GraphIndex& index, OverridableValues overridable)
    : state_(std::make_unique<State>(State{model, index, {}, 0})) {
  for (size_t v = 0; v < index.values().size(); ++v) {
    const ValueInfo& value = index.values()[v];
    const ValueId id{static_cast<int32_t>(v)};
    const bool constant = overridable == OverridableValues::kConstant || !index.overridable(id);
    if (value.initializer != nullptr && constant) state_->add_stored(id, *value.initializer);
  }
  for (const NodeInfo& node : index.nodes()) {
    if (node.proto->op_type() == "Constant" && normal_domain(node.proto->domain()).empty()) {
      state_->add_constant_node(node);
    } else {
      state_->add_step(node);
    }
  }
}

ConstantFinder::~ConstantFinder() = default;

std::optional<TensorView> ConstantFinder::find(ValueId value) const {
  const auto found = state_->views.find(value.value);
  if (found == state_->views.end()) return std::nullopt;
  return found->second;
}

std::vector<ValueId> ConstantFinder::chain(ValueId value) const {
  std::vector<ValueId> chain;
  if (!state_->views.contains(value.value)) return chain;
  std::unordered_map<int32_t, bool> seen{{value.value, true}};
  std::vector<ValueId> open{value};
  while (!open.empty()) {
    const ValueId at = open.back();
    open.pop_back();
    chain.push_back(at);
    const NodeId producer = state_->index.value(at).producer;
    if (!producer.valid()) continue;
    const NodeInfo& node = state_->index.node(producer);
    const size_t data_inputs =
        all_inputs_are_data(*node.proto) ? node.inputs.size() : std::min<size_t>(1, node.inputs.size());
    for (size_t i = 0; i < data_inputs; ++i) {
      if (node.inputs[i].valid() && seen.emplace(node.inputs[i].value, true).second) open.push_back(node.inputs[i]);
    }
  }
  std::sort(chain.begin(), chain.end());  // ids grow from definitions to uses
  return chain;
}

}  // namespace vetquant
