#include "graph_editor.h"

#include <algorithm>

#include "cleanup.h"
#include "vetquant/core/error.h"
#include "vetquant/model/skeleton.h"

namespace vetquant {

GraphEditor::GraphEditor(const GraphIndex& index)
    : index_(index),
      model_(copy_skeleton(index.skeleton())),
      nodes_(index.nodes().size()),
      graphs_(index.scopes().size()),
      functions_(index.scopes().size()),
      edits_(index.scopes().size()) {
  map_scopes();
  for (const ValueInfo& value : index.values()) names_.insert(value.name);
  for (const NodeInfo& node : index.nodes()) names_.insert(node.proto->name());
}

// The copy has the structure of the source: positions tell what belongs together. Outer scopes come before inner ones.
void GraphEditor::map_scopes() {
  int function = 0;
  for (size_t s = 0; s < index_.scopes().size(); ++s) {
    const ScopeInfo& scope = index_.scopes()[s];
    if (scope.kind == ScopeKind::kMain) graphs_[s] = model_->mutable_graph();
    if (scope.kind == ScopeKind::kFunction) functions_[s] = model_->mutable_functions(function++);
    if (scope.kind == ScopeKind::kSubgraph) {
      const onnx::NodeProto& source = *index_.node(scope.owner).proto;
      onnx::NodeProto& owner = node(scope.owner);
      for (int a = 0; a < source.attribute_size(); ++a) {
        if (&source.attribute(a).g() == scope.graph) graphs_[s] = owner.mutable_attribute(a)->mutable_g();
        for (int g = 0; g < source.attribute(a).graphs_size(); ++g) {
          if (&source.attribute(a).graphs(g) == scope.graph) graphs_[s] = owner.mutable_attribute(a)->mutable_graphs(g);
        }
      }
    }
    const ScopeId id{static_cast<int32_t>(s)};
    auto& nodes = nodes_of(id);
    for (int i = 0; i < nodes.size(); ++i)
      nodes_[static_cast<size_t>(scope.nodes[static_cast<size_t>(i)].value)] = nodes.Mutable(i);
    if (scope.graph == nullptr) continue;
    for (int i = 0; i < scope.graph->initializer_size(); ++i) {
      initializers_.emplace(&scope.graph->initializer(i), graphs_[s]->mutable_initializer(i));
    }
  }
}

google::protobuf::RepeatedPtrField<onnx::NodeProto>& GraphEditor::nodes_of(ScopeId scope) {
  const size_t s = static_cast<size_t>(scope.value);
  return graphs_[s] != nullptr ? *graphs_[s]->mutable_node() : *functions_[s]->mutable_node();
}

ScopeId GraphEditor::root_of(ScopeId scope) const {
  while (index_.scope(scope).parent.valid()) scope = index_.scope(scope).parent;
  return scope;
}

ScopeId GraphEditor::common_scope(ScopeId a, ScopeId b) const {
  while (a != b) {  // inner scopes have larger ids than those around them
    ScopeId& inner = a > b ? a : b;
    inner = index_.scope(inner).parent;
    if (!inner.valid()) throw Error(ErrorCode::kInternal, "one tensor is used in two functions");
  }
  return a;
}

ScopeId GraphEditor::home_of(ScopeId scope) const { return model_->ir_version() < 4 ? root_of(scope) : scope; }

std::string GraphEditor::unique_name(const std::string& wish) {
  std::string name = wish;
  for (int i = 1; name.empty() || !names_.insert(name).second; ++i) name = wish + "_" + std::to_string(i);
  return name;
}

onnx::NodeProto& GraphEditor::add_node(const Place& place, const std::string& op,
                                       const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
                                       const std::string& domain) {
  auto made = std::make_unique<onnx::NodeProto>();
  onnx::NodeProto& result = *made;
  result.set_op_type(op);
  if (!domain.empty()) result.set_domain(domain);
  for (const std::string& input : inputs) result.add_input(input);
  for (const std::string& output : outputs) result.add_output(output);
  Edits& edits = edits_[static_cast<size_t>(place.scope.value)];
  switch (place.side) {
    case Place::Side::kStart:
      edits.start.push_back(std::move(made));
      break;
    case Place::Side::kBefore:
      edits.before[&node(place.node)].push_back(std::move(made));
      break;
    case Place::Side::kAfter:
      edits.after[&node(place.node)].push_back(std::move(made));
      break;
  }
  return result;
}

void GraphEditor::suspect(ValueId value) {
  if (!value.valid()) return;
  const ValueInfo& info = index_.value(value);
  if (info.initializer != nullptr) suspects_.insert(initializers_.at(info.initializer));
  if (info.producer.valid()) suspects_.insert(&node(info.producer));
}

void GraphEditor::remove_node(NodeId id) {
  removed_.insert(&node(id));
  for (ValueId input : index_.node(id).inputs) suspect(input);
}

void GraphEditor::set_input(NodeId id, int input, const std::string& name) {
  suspect(index_.node(id).inputs[static_cast<size_t>(input)]);
  node(id).set_input(input, name);
}

onnx::TensorProto& GraphEditor::add_tensor(ScopeId scope, const std::string& name, DType dtype, const Shape& shape) {
  const ScopeId home = home_of(scope);
  const size_t s = static_cast<size_t>(home.value);
  onnx::TensorProto* tensor = nullptr;
  if (graphs_[s] != nullptr) {
    tensor = graphs_[s]->add_initializer();
    tensor->set_name(name);
    if (model_->ir_version() < 4) {
      onnx::ValueInfoProto& input = *graphs_[s]->add_input();
      input.set_name(name);
      auto& type = *input.mutable_type()->mutable_tensor_type();
      type.set_elem_type(static_cast<int>(dtype));
      type.mutable_shape();
      for (int64_t dim : shape) type.mutable_shape()->add_dim()->set_dim_value(dim);
    }
  } else {
    const bool old_type = dtype == DType::kFloat32 || dtype == DType::kFloat64 || dtype == DType::kFloat16;
    const bool small = bits_of(dtype) == 4;
    if ((opset(home) < 9 && !old_type) || (opset(home) < 21 && small)) {
      throw Error(ErrorCode::kUnsupported,
                  "a Constant in this local function cannot hold " + std::string(name_of(dtype)) + " at opset " +
                      std::to_string(opset(home)) + "; use weights: fp16 here, or keep",
                  index_.scope(home).path);
    }
    onnx::NodeProto& constant = add_node(start_of(home), "Constant", {}, {name});
    constant.set_name(unique_name(name + "/Constant"));
    onnx::AttributeProto& value = *constant.add_attribute();
    value.set_name("value");
    value.set_type(onnx::AttributeProto::TENSOR);
    tensor = value.mutable_t();
    tensor->set_name(name);
  }
  tensor->set_data_type(static_cast<int>(dtype));
  for (int64_t dim : shape) tensor->add_dims(dim);
  return *tensor;
}

std::string GraphEditor::constant(ScopeId scope, const std::string& wish, onnx::TensorProto value) {
  const std::pair<int32_t, std::string> key{home_of(scope).value, value.SerializeAsString()};
  const auto found = constants_.find(key);
  if (found != constants_.end()) return found->second;
  std::string name = unique_name(wish);
  const Shape shape(value.dims().begin(), value.dims().end());
  onnx::TensorProto& tensor = add_tensor(scope, name, static_cast<DType>(value.data_type()), shape);
  value.set_name(name);
  tensor = std::move(value);
  constants_.emplace(key, name);
  return name;
}

void GraphEditor::import_domain(ScopeId scope, const std::string& domain, int64_t version) {
  const auto add = [&](auto& imports) {
    for (const auto& import : imports) {
      if (import.domain() == domain) return;
    }
    auto& import = *imports.Add();
    import.set_domain(domain);
    import.set_version(version);
  };
  add(*model_->mutable_opset_import());
  if (auto* function = functions_[static_cast<size_t>(root_of(scope).value)]) add(*function->mutable_opset_import());
}

void GraphEditor::order_nodes(ScopeId scope) {
  Edits& edits = edits_[static_cast<size_t>(scope.value)];
  auto& nodes = nodes_of(scope);
  const bool untouched = edits.start.empty() && edits.before.empty() && edits.after.empty();
  if (untouched &&
      std::none_of(nodes.pointer_begin(), nodes.pointer_end(), [&](const auto* n) { return removed_.contains(n); }))
    return;
  // The arena owns the nodes, those that go, too; nodes keep their addresses, by which `edits` knows them.
  std::vector<onnx::NodeProto*> old(static_cast<size_t>(nodes.size()));
  nodes.UnsafeArenaExtractSubrange(0, nodes.size(), old.data());
  const auto add_all = [&nodes](std::vector<std::unique_ptr<onnx::NodeProto>>& made) {
    for (auto& node : made) nodes.AddAllocated(node.release());
  };
  const auto add_from = [&](auto& by_node, const onnx::NodeProto* anchor) {
    if (const auto found = by_node.find(anchor); found != by_node.end()) add_all(found->second);
  };
  add_all(edits.start);
  for (onnx::NodeProto* node : old) {
    add_from(edits.before, node);
    if (!removed_.contains(node)) nodes.UnsafeArenaAddAllocated(node);
    add_from(edits.after, node);
  }
}

std::shared_ptr<onnx::ModelProto> GraphEditor::finish(EmitLog& log) {
  for (size_t s = 0; s < graphs_.size(); ++s) order_nodes(ScopeId{static_cast<int32_t>(s)});
  remove_dead(*model_, suspects_, log);
  for (size_t s = 0; s < graphs_.size(); ++s) {
    const ScopeId scope{static_cast<int32_t>(s)};
    const auto known = [&](const std::string& name) {
      const ValueId value = index_.lookup(scope, name);
      return value.valid() && index_.value(value).scope == scope;
    };
    if (graphs_[s] != nullptr) {
      forget_gone_values(*graphs_[s], known);
    } else {
      forget_gone_values(*functions_[s], known);
    }
  }
  return model_;
}

}  // namespace vetquant
