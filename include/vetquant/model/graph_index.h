// Who makes and who reads each value, across scopes. Built from any skeleton (loaded or emitted); holds pointers into it,
// so it is rebuilt after a rewrite.
//
// Scopes: the main graph, each subgraph attribute of a node (If, Loop, Scan, any other), each local function (a root of its
// own: it sees no outer names). A name is looked up from the inner scope outwards; an inner definition shadows an outer
// one. Addresses: "/" + enclosing nodes and attribute names: "/decode_if/then_branch/layers.0/fc1"; functions
// "domain::name/node"; unnamed nodes "Op>first_output", nodes that share a name "name>first_output". Error{kBadModel}: a name defined twice in one scope (SSA), an
// undefined input, a use before its definition (so also cycles), recursion of functions. training_info is not indexed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "vetquant/core/dtype.h"
#include "vetquant/model/model.h"
#include "vetquant/model/tensor_view.h"
#include "vetquant/model/types.h"

namespace onnx {
class ModelProto;
class GraphProto;
class FunctionProto;
class NodeProto;
class TensorProto;
}  // namespace onnx

namespace vetquant {

enum class ScopeKind { kMain, kSubgraph, kFunction };

struct ScopeInfo {
  ScopeKind kind = ScopeKind::kMain;
  ScopeId parent;                           // invalid for main and functions
  NodeId owner;                             // the node whose attribute this is
  std::string path;                         // "" for main, "/decode_if/then_branch", "domain::name"
  const onnx::GraphProto* graph = nullptr;  // null for functions
  const onnx::FunctionProto* function = nullptr;
  std::vector<NodeId> nodes;  // in file order
  std::vector<ValueId> inputs, outputs;
};

struct ValueUse {
  NodeId node;
  int input = -1;
  bool operator==(const ValueUse&) const = default;
};

enum class ValueKind { kInput, kInitializer, kSparseInitializer, kNodeOutput };

struct ValueInfo {
  std::string name;
  ScopeId scope;
  ValueKind kind = ValueKind::kInput;
  const onnx::TensorProto* initializer = nullptr;  // kInitializer
  bool also_input = false;  // an initializer that is listed among the inputs too; see overridable()
  bool is_scope_output = false;
  NodeId producer;  // kNodeOutput
  int producer_output = -1;
  std::vector<ValueUse> uses;  // explicit inputs of nodes in this and inner scopes
};

struct NodeInfo {
  const onnx::NodeProto* proto = nullptr;
  ScopeId scope;
  std::string address;
  std::vector<ValueId> inputs;  // invalid where omitted
  std::vector<ValueId> outputs;
  std::vector<ScopeId> subgraphs;
};

// Type and shape as far as known; dims are -1 where unknown or symbolic.
struct ValueType {
  DType dtype = DType::kUndefined;
  bool has_shape = false;
  Shape shape;
  std::vector<std::string> symbols;  // per dim, "" where a number or unknown
};

struct ShapeBinding {  // of a graph input ("--shape")
  std::string input;
  Shape shape;
};

class GraphIndex {
 public:
  explicit GraphIndex(const onnx::ModelProto& skeleton);

  const onnx::ModelProto& skeleton() const { return *skeleton_; }
  const std::vector<ScopeInfo>& scopes() const { return scopes_; }
  const std::vector<NodeInfo>& nodes() const { return nodes_; }  // outer before inner, file order within a scope
  const std::vector<ValueInfo>& values() const { return values_; }
  const ScopeInfo& scope(ScopeId id) const { return scopes_[static_cast<size_t>(id.value)]; }
  const NodeInfo& node(NodeId id) const { return nodes_[static_cast<size_t>(id.value)]; }
  const ValueInfo& value(ValueId id) const { return values_[static_cast<size_t>(id.value)]; }
  std::string address(ValueId id) const;                       // scope path + "/" + name ("name" in main)
  ValueId lookup(ScopeId scope, std::string_view name) const;  // lexical; invalid where undefined
  NodeId find_node(std::string_view address) const;
  ValueId find_value(std::string_view address) const;
  // Also a graph input that a caller may set: such a value is no constant. Up to IR version 3 every initializer had to be
  // listed among the inputs, so there also_input says nothing.
  bool overridable(ValueId id) const;
  int64_t opset(ScopeId scope, std::string_view domain) const;  // 0 where not imported ("" and "ai.onnx" are one)

 private:
  const onnx::ModelProto* skeleton_;
  std::vector<ScopeInfo> scopes_;
  std::vector<NodeInfo> nodes_;
  std::vector<ValueInfo> values_;
  std::vector<std::unordered_map<std::string, ValueId>> names_;  // by scope
  std::unordered_map<std::string, NodeId> nodes_by_address_;
  std::unordered_map<std::string, ScopeId> scopes_by_path_;
  struct Inferred;  // what inference found without bindings: taken once, since planning and emitting both want it
  std::shared_ptr<Inferred> inferred_;
  friend class GraphIndexBuilder;
  friend std::vector<ValueType> infer_types(const GraphIndex&, const std::vector<ShapeBinding>&);
  friend const std::vector<ValueType>& infer_types_from_inputs(const GraphIndex&);
};

// Shape inference by ONNX on a copy of the skeleton (never fails: what it cannot infer stays unknown), inner scopes
// included. Indexed by ValueId::value. `bound` binds graph inputs to fixed shapes. Thread-safe.
std::vector<ValueType> infer_types(const GraphIndex& index, const std::vector<ShapeBinding>& bound = {});

// The same from the inputs of the main graph alone. What a file declares of values in between may be stale: exporters note
// the sizes of one run, and people make a batch dynamic by editing the inputs alone. The runtime believes what it infers.
const std::vector<ValueType>& infer_types_from_inputs(const GraphIndex& index);

// The constant behind a value: an initializer (not overridable), a Constant node, or a chain of Identity, Transpose,
// Reshape, Squeeze, Unsqueeze, Flatten, Slice, Concat, Cast of constants. nullopt where it is not constant or not
// expressible as a view. In functions only Constant nodes are constant.
// What an initializer is that a caller may override (see GraphIndex::overridable).
enum class OverridableValues { kNotConstant, kConstant };

class ConstantFinder {
 public:
  ConstantFinder(const Model& model, const GraphIndex& index,
                 OverridableValues overridable = OverridableValues::kNotConstant);
  ~ConstantFinder();
  std::optional<TensorView> find(ValueId value) const;
  // The values on the way from the stored constant(s) to `value`, itself included: what dies if every use is replaced.
  std::vector<ValueId> chain(ValueId value) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Attribute helpers that every room needs.
const onnx::TensorProto* constant_tensor(const onnx::NodeProto& node);  // Constant's `value`, else null
int64_t int_attribute(const onnx::NodeProto& node, std::string_view name, int64_t otherwise);
float float_attribute(const onnx::NodeProto& node, std::string_view name, float otherwise);
std::string string_attribute(const onnx::NodeProto& node, std::string_view name, std::string_view otherwise);
std::vector<int64_t> ints_attribute(const onnx::NodeProto& node, std::string_view name);

}  // namespace vetquant
