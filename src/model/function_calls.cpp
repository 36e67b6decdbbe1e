#include "function_calls.h"

#include <onnx/onnx_pb.h>

#include <map>
#include <string_view>
#include <tuple>

#include "attributes.h"

namespace vetquant {

namespace {

// What a node names when it calls a function; views into the proto.
using FunctionKey = std::tuple<std::string_view, std::string_view, std::string_view>;

template <class Proto>
FunctionKey key_of(const Proto& proto, const std::string& name) {
  return FunctionKey(normal_domain(proto.domain()), name, proto.overload());
}

}  // namespace

FunctionCalls function_calls(const GraphIndex& index) {
  FunctionCalls calls;
  std::map<FunctionKey, size_t> ids;
  for (const auto& function : index.skeleton().functions()) ids.emplace(key_of(function, function.name()), ids.size());
  calls.of_function.resize(ids.size());
  calls.nodes_of_function.assign(ids.size(), 0);
  if (ids.empty()) return calls;
  // Scopes: main, the functions in order, then subgraphs, each after the scope that holds it.
  std::vector<size_t> root(index.scopes().size());
  for (size_t s = 0; s < root.size(); ++s) {
    const ScopeId parent = index.scopes()[s].parent;
    root[s] = parent.valid() ? root[static_cast<size_t>(parent.value)] : s;
  }
  for (const NodeInfo& node : index.nodes()) {
    const size_t caller = root[static_cast<size_t>(node.scope.value)];
    if (caller > 0) ++calls.nodes_of_function[caller - 1];
    const auto callee = ids.find(key_of(*node.proto, node.proto->op_type()));
    if (callee == ids.end()) continue;
    (caller == 0 ? calls.of_main : calls.of_function[caller - 1]).push_back(callee->second);
  }
  return calls;
}

}  // namespace vetquant
