#include "tidy.h"

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

}  // namespace

void remove_identities(onnx::ModelProto& model, EmitLog& log) {
  const IdentityRemoval removal(model);
  if (removal.count() == 0) return;
  removal.apply();
  log.steps.push_back("identities: Identity nodes removed: " + std::to_string(removal.count()));
}

void turn_constants_to_initializers(onnx::ModelProto& model, EmitLog& log) {
  if (model.ir_version() < 4) return;
  const GraphIndex index(model);
  size_t count = 0;
  for (const ScopeInfo& scope : index.scopes()) {
    if (scope.graph == nullptr) continue;
    onnx::GraphProto& graph = ours(scope.graph);
    std::unordered_set<const onnx::NodeProto*> gone;
    for (const NodeId id : scope.nodes) {
      const NodeInfo& node = index.node(id);
      if (!is_standard(*node.proto, "Constant") || node.outputs.size() != 1 || !node.outputs[0].valid()) continue;
      const onnx::TensorProto* tensor = constant_tensor(*node.proto);
      if (tensor == nullptr || index.value(node.outputs[0]).is_scope_output) continue;
      onnx::TensorProto& initializer = *graph.add_initializer();
      initializer.Swap(&ours(tensor));
      initializer.set_name(node.proto->output(0));
      gone.insert(node.proto);
    }
    erase_if_gone(*graph.mutable_node(), [&](const onnx::NodeProto& node) { return gone.contains(&node); });
    count += gone.size();
  }
  if (count == 0) return;
  log.steps.push_back("constants: Constant nodes made initializers: " + std::to_string(count));
}

}  // namespace vetquant
