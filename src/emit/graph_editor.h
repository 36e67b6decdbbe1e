// A copy of a skeleton that is being rewritten: nodes are added and taken away, inputs rewired, tensors and domains added.
//
// Handles (NodeId, ScopeId) are those of the source's index and stay valid until finish(). Nothing moves before that, so
// references to nodes of the copy stay valid too. New names are new to the whole model, not only to their scope: a name
// of an initializer in a subgraph may not repeat an outer one.
#pragma once

#include <onnx/onnx_pb.h>

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "vetquant/emit/emitted.h"
#include "vetquant/model/graph_index.h"

namespace vetquant {

// Where new nodes go. Nodes at the start of a scope stand in the order in which they were added; so do those before
// (after) one node.
struct Place {
  enum class Side { kStart, kBefore, kAfter } side = Side::kStart;
  ScopeId scope;
  NodeId node;  // kBefore, kAfter
};

class GraphEditor {
 public:
  explicit GraphEditor(const GraphIndex& index);

  const GraphIndex& index() const { return index_; }
  onnx::NodeProto& node(NodeId id) { return *nodes_[static_cast<size_t>(id.value)]; }
  Place start_of(ScopeId scope) const { return {Place::Side::kStart, scope, {}}; }
  Place before(NodeId id) const { return {Place::Side::kBefore, index_.node(id).scope, id}; }
  Place after(NodeId id) const { return {Place::Side::kAfter, index_.node(id).scope, id}; }

  // The innermost scope that sees what all of these see.
  ScopeId common_scope(ScopeId a, ScopeId b) const;
  // Where tensors for `scope` are put: itself; the main graph up to IR version 3, where a subgraph's initializers would
  // have to be its inputs too.
  ScopeId home_of(ScopeId scope) const;
  ScopeId root_of(ScopeId scope) const;
  int64_t opset(ScopeId scope) const { return index_.opset(scope, ""); }
  bool in_function(ScopeId scope) const { return index_.scope(root_of(scope)).kind == ScopeKind::kFunction; }

  std::string unique_name(const std::string& wish);
  onnx::NodeProto& add_node(const Place& place, const std::string& op, const std::vector<std::string>& inputs,
                            const std::vector<std::string>& outputs, const std::string& domain = {});
  // Takes a node away; what only it has read may go too (see finish).
  void remove_node(NodeId id);
  void set_input(NodeId id, int input, const std::string& name);
  // A tensor in home_of(scope): an initializer, or a Constant node in a function. Error{kUnsupported} where Constant does
  // not take the type at this opset. The name must be new.
  onnx::TensorProto& add_tensor(ScopeId scope, const std::string& name, DType dtype, const Shape& shape);
  // A small constant; equal ones of a scope are one.
  std::string constant(ScopeId scope, const std::string& wish, onnx::TensorProto value);
  void import_domain(ScopeId scope, const std::string& domain, int64_t version);
  onnx::ModelProto& model() { return *model_; }

  // Puts nodes into order, removes constants and nodes that have lost their last reader, and what was said about values
  // that are gone (value_info, annotations, inputs of IR version 3). What was dead before stays.
  std::shared_ptr<onnx::ModelProto> finish(EmitLog& log);

 private:
  struct Edits {
    std::vector<std::unique_ptr<onnx::NodeProto>> start;
    std::unordered_map<const onnx::NodeProto*, std::vector<std::unique_ptr<onnx::NodeProto>>> before, after;
  };
  void map_scopes();
  void order_nodes(ScopeId scope);
  void suspect(ValueId value);
  google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes_of(ScopeId scope);

  const GraphIndex& index_;
  std::shared_ptr<onnx::ModelProto> model_;
  std::vector<onnx::NodeProto*> nodes_;                                            // by NodeId
  std::vector<onnx::GraphProto*> graphs_;                                          // by ScopeId; null for functions
  std::vector<onnx::FunctionProto*> functions_;                                    // by ScopeId; null for graphs
  std::unordered_map<const onnx::TensorProto*, onnx::TensorProto*> initializers_;  // of the source, in the copy
  std::vector<Edits> edits_;                                                       // by ScopeId
  std::unordered_set<const onnx::NodeProto*> removed_;
  std::unordered_set<const void*> suspects_;  // tensors and nodes of the copy that lost a reader
  std::unordered_set<std::string> names_;
  std::map<std::pair<int32_t, std::string>, std::string> constants_;
};

}  // namespace vetquant
