// Builds a GraphIndex. Scopes are worked off a queue, outer before inner, so that no hostile nesting can exhaust the
// stack.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "vetquant/model/graph_index.h"

namespace vetquant {

// "/decide" + "fc1" -> "/decide/fc1"; names that begin with a slash of their own get no second one. In the main graph a
// value has its bare name.
std::string join_address(std::string_view path, std::string_view name);

class GraphIndexBuilder {
 public:
  explicit GraphIndexBuilder(GraphIndex& index) : index_(index) {}
  void build();

 private:
  ScopeId add_scope(ScopeInfo info);
  void make_room(ScopeId scope);
  void fill_scope(ScopeId scope);
  void define_graph_inputs(ScopeId scope);
  void define_initializers(ScopeId scope);
  void define_function_inputs(ScopeId scope);
  void add_nodes(ScopeId scope);
  void define_outputs(NodeId node);
  void add_subgraphs(NodeId node);
  void resolve_inputs(NodeId node);
  void resolve_scope_outputs(ScopeId scope);
  void charge_address(ScopeId scope, const std::string& name);
  ValueId define(ScopeId scope, const std::string& name, ValueKind kind);
  ValueId resolve(ScopeId scope, const std::string& name, NodeId reader) const;
  void check_function_calls() const;
  std::string scope_name(ScopeId scope) const;

  GraphIndex& index_;
  std::deque<ScopeId> queue_;
  uint64_t address_bytes_ = 0;
};

}  // namespace vetquant
