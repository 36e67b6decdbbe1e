#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>
#include <set>

#include "vetquant/core/text.h"
#include "vetquant/model/dim_tracer.h"
#include "vetquant/model/rewrites.h"

namespace vetquant {
namespace {

using Symbols = std::map<std::string, int64_t>;  // dimensions that have become numbers

void set_dims(onnx::ValueInfoProto& info, const Shape& shape, Symbols& symbols) {
  auto& dims = *info.mutable_type()->mutable_tensor_type()->mutable_shape();
  while (dims.dim_size() < static_cast<int>(shape.size())) dims.add_dim();
  for (int d = 0; d < dims.dim_size(); ++d) {
    const int64_t number = shape[static_cast<size_t>(d)];
    if (number < 0) continue;
    if (dims.dim(d).has_dim_param()) symbols[dims.dim(d).dim_param()] = number;
    dims.mutable_dim(d)->set_dim_value(number);
  }
}

void replace_symbols(onnx::ValueInfoProto& info, const Symbols& symbols) {
  if (!info.type().has_tensor_type() || !info.type().tensor_type().has_shape()) return;
  for (auto& dim : *info.mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim()) {
    const auto found = dim.has_dim_param() ? symbols.find(dim.dim_param()) : symbols.end();
    if (found != symbols.end()) dim.set_dim_value(found->second);
  }
}

// Binds the inputs. What the graph notes of values in between may be of another run; inference finds it again. Types stay
// where inference may not know the operator.
void bind_graph(onnx::GraphProto& graph, const std::vector<ShapeBinding>& bindings) {
  Symbols symbols;
  for (const ShapeBinding& binding : bindings) {
    for (auto& input : *graph.mutable_input()) {
      if (input.name() == binding.input) set_dims(input, binding.shape, symbols);
    }
  }
  for (auto& input : *graph.mutable_input()) replace_symbols(input, symbols);
  for (auto& output : *graph.mutable_output()) replace_symbols(output, symbols);
  std::set<std::string> foreign;
  for (const auto& node : graph.node()) {
    if (!node.domain().empty() && node.domain() != "ai.onnx")
      foreign.insert(node.output().begin(), node.output().end());
  }
  for (auto& info : *graph.mutable_value_info()) {
    if (foreign.contains(info.name())) {
      replace_symbols(info, symbols);
    } else if (info.type().has_tensor_type()) {
      info.mutable_type()->mutable_tensor_type()->clear_shape();
    }
  }
}

// What a value of the main graph is where only shapes say it, or nothing.
class KnownIntegers {
 public:
  KnownIntegers(const GraphIndex& index, const ConstantFinder& constants)
      : index_(index), types_(infer_types(index)), tracer_(index, constants) {}

  std::optional<onnx::TensorProto> tensor(ValueId value) const {
    const ValueType& type = types_[static_cast<size_t>(value.value)];
    if (type.dtype != DType::kInt64 || !type.has_shape || type.shape.size() > 1) return std::nullopt;
    const std::optional<std::vector<int64_t>> numbers = numbers_of(value);
    const size_t count = type.shape.empty() ? 1 : static_cast<size_t>(std::max<int64_t>(type.shape[0], 0));
    if (!numbers || numbers->size() != count) return std::nullopt;
    onnx::TensorProto tensor;
    tensor.set_name(index_.value(value).name);
    tensor.set_data_type(onnx::TensorProto::INT64);
    if (!type.shape.empty()) tensor.add_dims(static_cast<int64_t>(count));
    tensor.set_raw_data(std::string(reinterpret_cast<const char*>(numbers->data()), numbers->size() * sizeof(int64_t)));
    return tensor;
  }
  const ValueType& type(ValueId value) const { return types_[static_cast<size_t>(value.value)]; }

 private:
  std::optional<std::vector<int64_t>> numbers_of(ValueId value) const {
    const NodeInfo& node = index_.node(index_.value(value).producer);
    if (node.proto->op_type() == "Shape" && node.inputs.size() == 1 && node.proto->attribute_size() == 0) {
      const ValueType& of = type(node.inputs[0]);
      const bool known =
          of.has_shape && std::none_of(of.shape.begin(), of.shape.end(), [](int64_t dim) { return dim < 0; });
      if (known) return of.shape;
    }
    const std::optional<ShapeEntries> entries = tracer_.entries(value);
    if (!entries) return std::nullopt;
    std::vector<int64_t> numbers;
    for (const auto& entry : *entries) {
      if (!entry || entry->value.valid()) return std::nullopt;
      numbers.push_back(entry->number);
    }
    return numbers;
  }

  const GraphIndex& index_;
  const std::vector<ValueType> types_;
  const DimTracer tracer_;
};

class Folder {
 public:
  Folder(const GraphIndex& index, onnx::GraphProto& graph) : index_(index), graph_(graph) {}

  // Returns how many nodes became constants; what only they have read goes with them.
  size_t run(const KnownIntegers& known) {
    const std::vector<NodeId>& nodes = index_.scope(ScopeId{0}).nodes;
    std::vector<onnx::TensorProto> made;
    for (size_t i = 0; i < nodes.size(); ++i) {
      const NodeInfo& node = index_.node(nodes[i]);
      if (node.outputs.size() != 1 || !node.outputs[0].valid() || node.proto->op_type() == "Constant") continue;
      const ValueInfo& output = index_.value(node.outputs[0]);
      if (output.is_scope_output || output.uses.empty()) continue;
      if (auto tensor = known.tensor(node.outputs[0])) {
        gone_.insert(nodes[i]);
        made.push_back(std::move(*tensor));
      }
    }
    const size_t folded = gone_.size();
    if (folded == 0) return 0;
    for (size_t i = nodes.size(); i-- > 0;) {
      if (!gone_.contains(nodes[i]) && is_dead(index_.node(nodes[i]))) gone_.insert(nodes[i]);
    }
    keep_rest(nodes);
    for (onnx::TensorProto& tensor : made) {
      if (!nobody_reads(index_.lookup(ScopeId{0}, tensor.name()))) *graph_.add_initializer() = std::move(tensor);
    }
    return folded;
  }

 private:
  bool nobody_reads(ValueId value) const {
    const std::vector<ValueUse>& uses = index_.value(value).uses;
    return std::all_of(uses.begin(), uses.end(), [&](const ValueUse& use) { return gone_.contains(use.node); });
  }
  bool is_dead(const NodeInfo& node) const {  // had readers, and all of them are gone
    if (!node.subgraphs.empty() || node.outputs.empty()) return false;
    return std::all_of(node.outputs.begin(), node.outputs.end(), [&](ValueId output) {
      return output.valid() && !index_.value(output).is_scope_output && !index_.value(output).uses.empty() &&
             nobody_reads(output);
    });
  }

  void keep_rest(const std::vector<NodeId>& nodes) {
    std::set<std::string> gone_values;
    onnx::GraphProto kept;
    for (size_t i = 0; i < nodes.size(); ++i) {
      onnx::NodeProto& node = *graph_.mutable_node(static_cast<int>(i));
      if (gone_.contains(nodes[i])) {
        gone_values.insert(node.output().begin(), node.output().end());
      } else {
        kept.add_node()->Swap(&node);
      }
    }
    graph_.mutable_node()->Swap(kept.mutable_node());
    for (int i = graph_.value_info_size(); i-- > 0;) {
      if (gone_values.contains(graph_.value_info(i).name())) graph_.mutable_value_info()->DeleteSubrange(i, 1);
    }
    remove_initializers();
  }

  void remove_initializers() {  // that only vanished nodes have read
    for (int i = graph_.initializer_size(); i-- > 0;) {
      const ValueId id = index_.lookup(ScopeId{0}, graph_.initializer(i).name());
      const ValueInfo& value = index_.value(id);
      const bool dead = !value.uses.empty() && nobody_reads(id) && !value.is_scope_output && !value.also_input;
      if (dead) graph_.mutable_initializer()->DeleteSubrange(i, 1);
    }
  }

  const GraphIndex& index_;
  onnx::GraphProto& graph_;
  std::set<NodeId> gone_;
};

void fix_outputs(onnx::GraphProto& graph, const GraphIndex& index, const KnownIntegers& known) {
  Symbols ignored;
  for (auto& output : *graph.mutable_output()) {
    const ValueType& type = known.type(index.lookup(ScopeId{0}, output.name()));
    const auto& tensor = output.type().tensor_type();
    const bool fits = type.has_shape && output.type().has_tensor_type() && tensor.has_shape() &&
                      tensor.shape().dim_size() == static_cast<int>(type.shape.size());
    if (fits) set_dims(output, type.shape, ignored);
  }
}

std::string step_of(const std::vector<ShapeBinding>& bindings, size_t folded) {
  std::string text = "fixed shapes:";
  for (const ShapeBinding& binding : bindings) {
    text += " " + printable(binding.input, 80) + "=";
    for (size_t d = 0; d < binding.shape.size(); ++d)
      text += (d == 0 ? "" : "x") + (binding.shape[d] < 0 ? "?" : std::to_string(binding.shape[d]));
  }
  if (folded > 0) text += "; " + counted(folded, "node") + " that compute shapes became constants";
  return text;
}

// ONNX's inference knows the pairs of its own domain.
void make_pairs_standard(onnx::GraphProto& graph) {
  for (auto& node : *graph.mutable_node()) {
    if (node.domain() == "com.microsoft" &&
        (node.op_type() == "QuantizeLinear" || node.op_type() == "DequantizeLinear"))
      node.clear_domain();
  }
}

}  // namespace

std::vector<ValueType> runtime_types(const Model& model, const GraphIndex& index) {
  constexpr int kRounds = 4;
  constexpr int64_t kInitializersAreNoInputs = 4;
  onnx::ModelProto copy = model.skeleton();
  make_pairs_standard(*copy.mutable_graph());
  copy.set_ir_version(std::max<int64_t>(copy.ir_version(), kInitializersAreNoInputs));
  std::vector<ValueType> types;
  for (int round = 0; round < kRounds; ++round) {
    const std::shared_ptr<const Model> made = Model::derived(model, copy, {});
    const GraphIndex now(made->skeleton());
    const ConstantFinder constants(*made, now, OverridableValues::kConstant);
    const KnownIntegers known(now, constants);
    if (round == 0) types = infer_types(now);  // the same values as the model's
    for (size_t v = 0; v < types.size(); ++v) {
      const ValueId id = now.find_value(index.address(ValueId{static_cast<int32_t>(v)}));
      if (id.valid()) types[v] = known.type(id);
    }
    if (Folder(now, *copy.mutable_graph()).run(known) == 0) break;
  }
  return types;
}

Rewritten fix_shapes(std::shared_ptr<const Model> model, const std::vector<ShapeBinding>& bindings) {
  if (bindings.empty()) return {std::move(model), {}};
  const std::vector<ShapeBinding> resolved = resolved_shapes(GraphIndex(model->skeleton()), bindings);
  onnx::ModelProto copy = model->skeleton();
  bind_graph(*copy.mutable_graph(), resolved);
  const std::shared_ptr<const Model> bound = Model::derived(*model, copy, {});
  const GraphIndex index(bound->skeleton());
  const ConstantFinder constants(*bound, index);
  const KnownIntegers known(index, constants);
  fix_outputs(*copy.mutable_graph(), index, known);
  // Up to IR version 3 an initializer would be an input.
  const size_t folded = copy.ir_version() < 4 ? 0 : Folder(index, *copy.mutable_graph()).run(known);
  return {Model::derived(*model, std::move(copy), {}), {step_of(resolved, folded)}};
}

}  // namespace vetquant
