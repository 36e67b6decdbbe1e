#include "tidy.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "cleanup.h"
#include "vetquant/model/graph_index.h"

namespace vetquant {
namespace {

bool is_standard(const onnx::NodeProto& node, const char* op) {
  return node.op_type() == op && (node.domain().empty() || node.domain() == "ai.onnx");
}

// What the index points to belongs to the model that is being changed.
template <class Proto>
Proto& ours(const Proto* proto) {
  return *const_cast<Proto*>(proto);
}

class IdentityRemoval {
 public:
  explicit IdentityRemoval(const onnx::ModelProto& model) : index_(model) {
    for (const NodeInfo& node : index_.nodes()) {
      if (is_standard(*node.proto, "Identity") && can_go(node)) take(node);
    }
  }

  size_t count() const { return gone_.size(); }

  void apply() const {
    for (const auto& [use, source] : rewired_) {
      ours(index_.node(use.node).proto).set_input(use.input, index_.value(source).name);
    }
    for (const ScopeInfo& scope : index_.scopes()) {
      const auto is_gone = [&](const onnx::NodeProto& node) { return gone_.contains(&node); };
      const auto was_ours = [&](const std::string& name) { return names_.contains(name); };
      if (scope.graph != nullptr) {
        erase_if_gone(*ours(scope.graph).mutable_node(), is_gone);
        forget_gone_values(ours(scope.graph), was_ours);
      } else {
        erase_if_gone(*ours(scope.function).mutable_node(), is_gone);
        forget_gone_values(ours(scope.function), was_ours);
      }
    }
  }

 private:
  ValueId source_of(const NodeInfo& node) const {
    const auto found = source_.find(node.inputs[0].value);
    return found == source_.end() ? node.inputs[0] : found->second;
  }

  bool can_go(const NodeInfo& node) const {
    if (node.inputs.size() != 1 || !node.inputs[0].valid() || node.outputs.size() != 1 || !node.outputs[0].valid())
      return false;
    const ValueInfo& result = index_.value(node.outputs[0]);
    if (result.is_scope_output) return false;
    const ValueId source = source_of(node);
    for (const ValueUse& use : result.uses) {
      if (index_.lookup(index_.node(use.node).scope, index_.value(source).name) != source) return false;
    }
    return true;
  }

  void take(const NodeInfo& node) {
    const ValueId source = source_of(node);
    source_.emplace(node.outputs[0].value, source);
    for (const ValueUse& use : index_.value(node.outputs[0]).uses) rewired_.emplace_back(use, source);
    gone_.insert(node.proto);
    names_.insert(index_.value(node.outputs[0]).name);
  }

  const GraphIndex index_;
  std::unordered_map<int32_t, ValueId> source_;  // of the values that go
  std::vector<std::pair<ValueUse, ValueId>> rewired_;
  std::unordered_set<const onnx::NodeProto*> gone_;
  std::unordered_set<std::string> names_;
};

// In this graph and in those within it; how many.
size_t turn_constants(onnx::GraphProto& graph) {
  std::unordered_set<std::string_view> outputs;
  for (const auto& output : graph.output()) outputs.insert(output.name());
  std::unordered_set<const onnx::NodeProto*> gone;
  size_t within = 0;
  for (onnx::NodeProto& node : *graph.mutable_node()) {
    for (onnx::AttributeProto& attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) within += turn_constants(*attribute.mutable_g());
      for (onnx::GraphProto& inner : *attribute.mutable_graphs()) within += turn_constants(inner);
    }
    if (!is_standard(node, "Constant") || node.output_size() != 1 || node.output(0).empty()) continue;
    const onnx::TensorProto* tensor = constant_tensor(node);
    if (tensor == nullptr || outputs.contains(node.output(0))) continue;
    onnx::TensorProto& initializer = *graph.add_initializer();
    initializer.Swap(&ours(tensor));
    initializer.set_name(node.output(0));
    gone.insert(&node);
  }
  erase_if_gone(*graph.mutable_node(), [&](const onnx::NodeProto& node) { return gone.contains(&node); });
  return within + gone.size();
}

bool has_identity(const onnx::GraphProto& graph) {
  return std::any_of(graph.node().begin(), graph.node().end(), [](const onnx::NodeProto& node) {
    return is_standard(node, "Identity") ||
           std::any_of(node.attribute().begin(), node.attribute().end(), [](const onnx::AttributeProto& attribute) {
             return has_identity(attribute.g()) ||
                    std::any_of(attribute.graphs().begin(), attribute.graphs().end(), has_identity);
           });
  });
}

bool has_identity(const onnx::ModelProto& model) {
  return has_identity(model.graph()) ||
         std::any_of(model.functions().begin(), model.functions().end(), [](const onnx::FunctionProto& function) {
           return std::any_of(function.node().begin(), function.node().end(),
                              [](const onnx::NodeProto& node) { return is_standard(node, "Identity"); });
         });
}

}  // namespace

void remove_identities(onnx::ModelProto& model, EmitLog& log) {
  if (!has_identity(model)) return;  // an index of a large graph costs more than this look
  const IdentityRemoval removal(model);
  if (removal.count() == 0) return;
  removal.apply();
  log.steps.push_back("identities: Identity nodes removed: " + std::to_string(removal.count()));
}

void turn_constants_to_initializers(onnx::ModelProto& model, EmitLog& log) {
  if (model.ir_version() < 4) return;
  const size_t count = turn_constants(*model.mutable_graph());
  if (count > 0) log.steps.push_back("constants: Constant nodes made initializers: " + std::to_string(count));
}

}  // namespace vetquant
