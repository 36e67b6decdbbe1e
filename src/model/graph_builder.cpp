#include "graph_builder.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <set>

#include "attributes.h"
#include "function_calls.h"
#include "load_limits.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"

namespace vetquant {

namespace {

[[noreturn]] void fail(const std::string& what, const std::string& where) {
  throw Error(ErrorCode::kBadModel, what, where);
}

std::string in_quotes(std::string_view name) { return "'" + printable(name) + "'"; }

std::string function_path(const onnx::FunctionProto& function) {
  std::string path = std::string(normal_domain(function.domain())) + "::" + function.name();
  if (!function.overload().empty()) path += ":" + function.overload();
  return path;
}

template <class Nodes>
std::vector<std::string> local_addresses(const Nodes& nodes) {
  std::unordered_map<std::string_view, int> seen;
  seen.reserve(static_cast<size_t>(nodes.size()));
  for (const auto& node : nodes) ++seen[node.name()];
  std::vector<std::string> addresses;
  addresses.reserve(static_cast<size_t>(nodes.size()));
  for (const auto& node : nodes) {
    const std::string& name = node.name();
    if (!name.empty() && seen[name] == 1) {
      addresses.push_back(name);
      continue;
    }  // names of nodes need not be unique
    const std::string first_output = node.output_size() > 0 ? node.output(0) : "#" + std::to_string(addresses.size());
    addresses.push_back((name.empty() ? node.op_type() : name) + ">" + first_output);
  }
  return addresses;
}

}  // namespace

std::string join_address(std::string_view path, std::string_view name) {
  if (path.empty()) return std::string(name);
  return name.starts_with('/') ? std::string(path).append(name) : std::string(path).append("/").append(name);
}

std::string GraphIndexBuilder::scope_name(ScopeId scope) const {
  const std::string& path = index_.scope(scope).path;
  return path.empty() ? "main graph" : path;
}

void GraphIndexBuilder::build() {
  const auto& model = *index_.skeleton_;
  ScopeInfo main;
  main.graph = &model.graph();
  add_scope(main);
  std::set<std::string> known;
  for (const auto& function : model.functions()) {
    if (!known.insert(function_path(function)).second) {
      fail("the local function is defined twice", function_path(function));
    }
    ScopeInfo scope;
    scope.kind = ScopeKind::kFunction;
    scope.function = &function;
    scope.path = function_path(function);
    add_scope(std::move(scope));
  }
  for (; !queue_.empty(); queue_.pop_front()) fill_scope(queue_.front());
  check_function_calls();
}

ScopeId GraphIndexBuilder::add_scope(ScopeInfo info) {
  const ScopeId id{static_cast<int32_t>(index_.scopes_.size())};
  index_.scopes_by_path_.emplace(info.path, id);
  index_.scopes_.push_back(std::move(info));
  index_.names_.emplace_back();
  queue_.push_back(id);
  return id;
}

// For what the scope will most likely add. Many small scopes must not copy all that is there again and again.
void GraphIndexBuilder::make_room(ScopeId scope) {
  const ScopeInfo& info = index_.scope(scope);
  const auto nodes = static_cast<size_t>(info.graph != nullptr ? info.graph->node_size() : info.function->node_size());
  const auto given = static_cast<size_t>(
      info.graph != nullptr ? info.graph->input_size() + info.graph->initializer_size() : info.function->input_size());
  const auto grow = [](auto& field, size_t more) {
    if (field.size() + more > field.capacity()) field.reserve(std::max(field.size() + more, 2 * field.capacity()));
  };
  grow(index_.nodes_, nodes);
  grow(index_.values_, nodes + given);
  index_.names_[static_cast<size_t>(scope.value)].reserve(nodes + given);
  if (scope.value == 0) index_.nodes_by_address_.reserve(nodes);
}

void GraphIndexBuilder::fill_scope(ScopeId scope) {
  make_room(scope);
  if (index_.scope(scope).graph != nullptr) {
    define_graph_inputs(scope);
    define_initializers(scope);
  } else {
    define_function_inputs(scope);
  }
  add_nodes(scope);
  const std::vector<NodeId> nodes = index_.scope(scope).nodes;
  for (NodeId node : nodes) define_outputs(node);
  for (NodeId node : nodes) resolve_inputs(node);
  for (NodeId node : nodes) add_subgraphs(node);
  resolve_scope_outputs(scope);
}

// Every address repeats the names of all nodes around it: long names around many nodes would fill any memory.
void GraphIndexBuilder::charge_address(ScopeId scope, const std::string& name) {
  address_bytes_ += index_.scope(scope).path.size() + name.size();
  if (address_bytes_ > limits::kAddressBytes)
    fail("its nodes have names that are too long to be told apart", scope_name(scope));
}

ValueId GraphIndexBuilder::define(ScopeId scope, const std::string& name, ValueKind kind) {
  charge_address(scope, name);
  const ValueId id{static_cast<int32_t>(index_.values_.size())};
  const auto [at, fresh] = index_.names_[static_cast<size_t>(scope.value)].emplace(name, id);
  if (!fresh) fail("the value " + in_quotes(name) + " is defined twice", scope_name(scope));
  ValueInfo info;
  info.name = name;
  info.scope = scope;
  info.kind = kind;
  index_.values_.push_back(std::move(info));
  return id;
}

void GraphIndexBuilder::define_graph_inputs(ScopeId scope) {
  for (const auto& input : index_.scope(scope).graph->input()) {
    const ValueId id = define(scope, input.name(), ValueKind::kInput);
    index_.scopes_[static_cast<size_t>(scope.value)].inputs.push_back(id);
  }
}

void GraphIndexBuilder::define_function_inputs(ScopeId scope) {
  for (const auto& input : index_.scope(scope).function->input()) {
    const ValueId id = define(scope, input, ValueKind::kInput);
    index_.scopes_[static_cast<size_t>(scope.value)].inputs.push_back(id);
  }
}

void GraphIndexBuilder::define_initializers(ScopeId scope) {
  const auto& graph = *index_.scope(scope).graph;
  const auto& names = index_.names_[static_cast<size_t>(scope.value)];
  const auto add = [&](const std::string& name, ValueKind kind) -> ValueInfo& {
    if (name.empty()) fail("an initializer has no name", scope_name(scope));
    const auto input = names.find(name);
    if (input == names.end()) {
      const ValueId id = define(scope, name, kind);
      return index_.values_[static_cast<size_t>(id.value)];
    }
    ValueInfo& info = index_.values_[static_cast<size_t>(input->second.value)];
    if (info.kind != ValueKind::kInput)
      fail("the initializer " + in_quotes(name) + " is defined twice", scope_name(scope));
    info.kind = kind;
    info.also_input = true;
    return info;
  };
  for (const auto& tensor : graph.initializer()) add(tensor.name(), ValueKind::kInitializer).initializer = &tensor;
  for (const auto& sparse : graph.sparse_initializer()) add(sparse.values().name(), ValueKind::kSparseInitializer);
}

void GraphIndexBuilder::add_nodes(ScopeId scope) {
  const auto& info = index_.scope(scope);
  const auto& protos = info.graph != nullptr ? info.graph->node() : info.function->node();
  const auto addresses = local_addresses(protos);
  const std::string path = info.path;
  for (int i = 0; i < protos.size(); ++i) {
    const NodeId id{static_cast<int32_t>(index_.nodes_.size())};
    NodeInfo node;
    node.proto = &protos.Get(i);
    node.scope = scope;
    const std::string& local = addresses[static_cast<size_t>(i)];
    charge_address(scope, local);
    node.address = path.empty() && !local.starts_with('/') ? "/" + local : join_address(path, local);
    index_.nodes_by_address_.emplace(node.address, id);
    index_.nodes_.push_back(std::move(node));
    index_.scopes_[static_cast<size_t>(scope.value)].nodes.push_back(id);
  }
}

void GraphIndexBuilder::define_outputs(NodeId id) {
  NodeInfo& node = index_.nodes_[static_cast<size_t>(id.value)];
  for (int i = 0; i < node.proto->output_size(); ++i) {
    const std::string& name = node.proto->output(i);
    if (name.empty()) {
      node.outputs.push_back({});
      continue;
    }
    if (const auto& names = index_.names_[static_cast<size_t>(node.scope.value)]; names.contains(name)) {
      fail("makes " + in_quotes(name) + ", which " + scope_name(node.scope) + " defines already", node.address);
    }
    const ValueId value = define(node.scope, name, ValueKind::kNodeOutput);
    index_.values_[static_cast<size_t>(value.value)].producer = id;
    index_.values_[static_cast<size_t>(value.value)].producer_output = i;
    node.outputs.push_back(value);
  }
}

// The value that a node of `scope` means by `name`. Definitions must come first: in the node's own scope before it, in
// an outer one before the node that holds the subgraph. Ids of the nodes of one scope are in file order.
ValueId GraphIndexBuilder::resolve(ScopeId scope, const std::string& name, NodeId reader) const {
  NodeId before = reader;
  for (ScopeId at = scope; at.valid(); before = index_.scope(at).owner, at = index_.scope(at).parent) {
    const auto& names = index_.names_[static_cast<size_t>(at.value)];
    const auto found = names.find(name);
    if (found == names.end()) continue;
    const ValueInfo& info = index_.value(found->second);
    if (before.valid() && info.producer.valid() && info.producer >= before) {
      const std::string who = reader.valid() ? index_.node(reader).address : scope_name(scope);
      fail("reads " + in_quotes(name) + " before " + index_.node(info.producer).address +
               " makes it; the nodes form a cycle or are out of order",
           who);
    }
    return found->second;
  }
  return {};
}

void GraphIndexBuilder::resolve_inputs(NodeId id) {
  const NodeInfo& node = index_.node(id);
  std::vector<ValueId> inputs;
  for (int i = 0; i < node.proto->input_size(); ++i) {
    const std::string& name = node.proto->input(i);
    if (name.empty()) {
      inputs.push_back({});
      continue;
    }
    const ValueId value = resolve(node.scope, name, id);
    if (!value.valid()) fail("reads " + in_quotes(name) + ", which nothing defines", node.address);
    index_.values_[static_cast<size_t>(value.value)].uses.push_back({id, i});
    inputs.push_back(value);
  }
  index_.nodes_[static_cast<size_t>(id.value)].inputs = std::move(inputs);
}

void GraphIndexBuilder::add_subgraphs(NodeId id) {
  const auto add = [&](const onnx::GraphProto& graph, const std::string& attribute) {
    const NodeInfo& node = index_.node(id);
    ScopeInfo scope;
    scope.kind = ScopeKind::kSubgraph;
    scope.parent = node.scope;
    scope.owner = id;
    scope.path = join_address(node.address, attribute);
    scope.graph = &graph;
    const ScopeId added = add_scope(std::move(scope));
    index_.nodes_[static_cast<size_t>(id.value)].subgraphs.push_back(added);
  };
  for (const auto& attribute : index_.node(id).proto->attribute()) {
    if (attribute.has_g()) add(attribute.g(), attribute.name());
    for (int i = 0; i < attribute.graphs_size(); ++i) {
      add(attribute.graphs(i), attribute.name() + "." + std::to_string(i));
    }
  }
}

void GraphIndexBuilder::resolve_scope_outputs(ScopeId scope) {
  const auto add = [&](const std::string& name) {
    const ValueId id = resolve(scope, name, {});
    if (!id.valid()) fail("its output " + in_quotes(name) + " is not defined", scope_name(scope));
    index_.values_[static_cast<size_t>(id.value)].is_scope_output = true;
    index_.scopes_[static_cast<size_t>(scope.value)].outputs.push_back(id);
  };
  if (const auto* graph = index_.scope(scope).graph) {
    for (const auto& output : graph->output()) add(output.name());
  } else {
    for (const auto& output : index_.scope(scope).function->output()) add(output);
  }
}

// Functions must not call themselves, not even through others.
void GraphIndexBuilder::check_function_calls() const {
  const auto calls = function_calls(index_).of_function;
  enum class Mark { kNew, kOpen, kDone };
  std::vector<Mark> marks(calls.size(), Mark::kNew);
  for (size_t start = 0; start < calls.size(); ++start) {
    if (marks[start] != Mark::kNew) continue;
    std::vector<std::pair<size_t, size_t>> stack{{start, 0}};  // function, next call
    marks[start] = Mark::kOpen;
    while (!stack.empty()) {
      auto& [function, next] = stack.back();
      if (next == calls[function].size()) {
        marks[function] = Mark::kDone;
        stack.pop_back();
        continue;
      }
      const size_t callee = calls[function][next++];
      if (marks[callee] == Mark::kOpen) {
        fail("the local function calls itself, directly or through others",
             function_path(index_.skeleton_->functions(static_cast<int>(callee))));
      }
      if (marks[callee] == Mark::kDone) continue;
      marks[callee] = Mark::kOpen;
      stack.emplace_back(callee, 0);
    }
  }
}

}  // namespace vetquant
