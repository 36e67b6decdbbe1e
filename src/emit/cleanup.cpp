#include "cleanup.h"

#include <vector>

#include "vetquant/core/error.h"
#include "vetquant/model/graph_index.h"

namespace vetquant {
namespace {

struct Dead {
  std::unordered_set<const onnx::NodeProto*> nodes;
  std::unordered_set<const onnx::TensorProto*> tensors;
};

Dead find_dead(const GraphIndex& index, const std::unordered_set<const void*>& suspects) {
  Dead dead;
  std::vector<size_t> readers;
  std::vector<ValueId> open;
  for (size_t v = 0; v < index.values().size(); ++v) {
    const ValueInfo& value = index.values()[v];
    readers.push_back(value.uses.size() + (value.is_scope_output ? 1 : 0));
    const bool is_suspect = (value.initializer != nullptr && suspects.contains(value.initializer)) ||
                            (value.producer.valid() && suspects.contains(index.node(value.producer).proto));
    if (is_suspect) open.push_back(ValueId{static_cast<int32_t>(v)});
  }
  const auto is_read = [&](ValueId id) { return id.valid() && readers[static_cast<size_t>(id.value)] > 0; };
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    if (is_read(id)) continue;
    const ValueInfo& value = index.value(id);
    if (value.initializer != nullptr) dead.tensors.insert(value.initializer);
    if (!value.producer.valid()) continue;
    const NodeInfo& node = index.node(value.producer);
    bool needed = !node.subgraphs.empty();
    for (ValueId output : node.outputs) needed = needed || is_read(output);
    if (needed || !dead.nodes.insert(node.proto).second) continue;
    for (ValueId input : node.inputs) {
      if (!input.valid()) continue;
      --readers[static_cast<size_t>(input.value)];
      open.push_back(input);
    }
  }
  return dead;
}

template <class Infos, class Defined>
void forget(Infos& infos, const Defined& defined, const WasDefined& was_defined) {
  erase_if_gone(infos, [&](const auto& info) { return !defined.contains(info.name()) && was_defined(info.name()); });
}

}  // namespace

void remove_dead(onnx::ModelProto& model, const std::unordered_set<const void*>& suspects, EmitLog& log) {
  if (suspects.empty()) return;
  const GraphIndex index(model);
  const Dead dead = find_dead(index, suspects);
  if (dead.nodes.empty() && dead.tensors.empty()) return;
  for (const ScopeInfo& scope : index.scopes()) {
    const auto is_dead_node = [&](const onnx::NodeProto& node) { return dead.nodes.contains(&node); };
    if (scope.graph == nullptr) {
      erase_if_gone(*const_cast<onnx::FunctionProto*>(scope.function)->mutable_node(), is_dead_node);
      continue;
    }
    auto& graph = *const_cast<onnx::GraphProto*>(scope.graph);  // of `model`, which is ours to change
    std::unordered_set<std::string> gone;
    for (const auto& tensor : graph.initializer()) {
      if (dead.tensors.contains(&tensor)) gone.insert(tensor.name());
    }
    erase_if_gone(*graph.mutable_initializer(), [&](const auto& tensor) { return dead.tensors.contains(&tensor); });
    erase_if_gone(*graph.mutable_input(), [&](const auto& input) { return gone.contains(input.name()); });
    erase_if_gone(*graph.mutable_node(), is_dead_node);
  }
  log.steps.push_back("removed " + std::to_string(dead.tensors.size()) + " initializers and " +
                      std::to_string(dead.nodes.size()) + " nodes that nothing reads any more");
}

void forget_gone_values(onnx::GraphProto& graph, const WasDefined& was_defined) {
  std::unordered_set<std::string> defined;
  for (const auto& input : graph.input()) defined.insert(input.name());
  for (const auto& tensor : graph.initializer()) defined.insert(tensor.name());
  for (const auto& tensor : graph.sparse_initializer()) defined.insert(tensor.values().name());
  for (const auto& node : graph.node()) defined.insert(node.output().begin(), node.output().end());
  forget(*graph.mutable_value_info(), defined, was_defined);
  erase_if_gone(*graph.mutable_quantization_annotation(), [&](const auto& annotation) {
    return !defined.contains(annotation.tensor_name()) && was_defined(annotation.tensor_name());
  });
}

void forget_gone_values(onnx::FunctionProto& function, const WasDefined& was_defined) {
  std::unordered_set<std::string> defined(function.input().begin(), function.input().end());
  for (const auto& node : function.node()) defined.insert(node.output().begin(), node.output().end());
  forget(*function.mutable_value_info(), defined, was_defined);
}

}  // namespace vetquant
