#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

#include <exception>

#include "inference_load.h"
#include "inferred.h"
#include "load_limits.h"
#include "vetquant/core/checked.h"
#include "vetquant/core/error.h"
#include "vetquant/model/graph_index.h"
#include "vetquant/model/operator_schemas.h"
#include "vetquant/model/rewrites.h"
#include "vetquant/model/skeleton.h"

namespace vetquant {

namespace {

// False where ONNX gave up; the model is then as it was before.
bool run_inference(std::shared_ptr<onnx::ModelProto>& model, bool propagate_data) {
  const onnx::ShapeInferenceOptions options(false, 0, propagate_data);
  std::shared_ptr<onnx::ModelProto> copy = copy_skeleton(*model);
  try {
    onnx::shape_inference::InferShapes(*copy, &operator_schemas(), options);
  } catch (const std::exception&) {  // what cannot be inferred stays unknown: that is the contract
    return false;
  }
  model = std::move(copy);
  return true;
}

void bind_input(onnx::GraphProto& graph, const ShapeBinding& binding) {
  for (auto& input : *graph.mutable_input()) {
    if (input.name() != binding.input) continue;
    auto* shape = input.mutable_type()->mutable_tensor_type()->mutable_shape();
    while (shape->dim_size() < static_cast<int>(binding.shape.size())) shape->add_dim();
    for (size_t d = 0; d < binding.shape.size(); ++d) {
      if (binding.shape[d] >= 0) shape->mutable_dim(static_cast<int>(d))->set_dim_value(binding.shape[d]);
    }
  }
}

// Data propagation turns every vector of known length, floats too, into a list of that many unknown dimensions.
uint64_t vector_elements(const onnx::ModelProto& model) {
  uint64_t sum = 0;
  const auto add = [&](const auto& infos) {
    for (const auto& info : infos) {
      const auto& shape = info.type().tensor_type().shape();
      if (shape.dim_size() != 1 || shape.dim(0).dim_value() <= 0) continue;
      sum = checked_add(sum, static_cast<uint64_t>(shape.dim(0).dim_value())).value_or(~uint64_t{0});
    }
  };
  const GraphIndex index(model);
  for (const ScopeInfo& scope : index.scopes()) {
    if (scope.graph == nullptr) continue;
    add(scope.graph->input());
    add(scope.graph->output());
    add(scope.graph->value_info());
  }
  return sum;
}

// ONNX gives up on some models as a whole: then without the sparse initializers it stumbles over, or not at all.
void infer(std::shared_ptr<onnx::ModelProto>& model, const InferenceLoad& load) {
  if (load.expanded_nodes > limits::kInferredNodes || load.call_depth > limits::kInferredCallDepth) {
    model->clear_functions();
  }
  if (!run_inference(model, false)) {
    const google::protobuf::RepeatedPtrField<onnx::SparseTensorProto> saved(model->graph().sparse_initializer());
    model->mutable_graph()->clear_sparse_initializer();
    const bool inferred = run_inference(model, false);
    *model->mutable_graph()->mutable_sparse_initializer() = saved;
    if (!inferred) return;
  }
  if (load.longest_list > limits::kInferredList || vector_elements(*model) > limits::kInferredList) return;
  run_inference(model, true);
}

void merge(const onnx::TypeProto& type, ValueType& known) {
  if (!type.has_tensor_type()) return;
  const auto& tensor = type.tensor_type();
  if (tensor.elem_type() != 0) known.dtype = static_cast<DType>(tensor.elem_type());
  if (!tensor.has_shape()) return;
  const auto rank = static_cast<size_t>(tensor.shape().dim_size());
  if (!known.has_shape || known.shape.size() != rank) {
    known.has_shape = true;
    known.shape.assign(rank, -1);
    known.symbols.assign(rank, "");
  }
  for (size_t d = 0; d < rank; ++d) {
    const auto& dim = tensor.shape().dim(static_cast<int>(d));
    if (dim.has_dim_value() && dim.dim_value() >= 0) {
      known.shape[d] = dim.dim_value();
      known.symbols[d].clear();
    } else if (known.shape[d] < 0 && dim.has_dim_param()) {
      known.symbols[d] = dim.dim_param();
    }
  }
}

ValueType type_of(const onnx::TensorProto& tensor) {
  ValueType type;
  type.dtype = static_cast<DType>(tensor.data_type());
  type.has_shape = true;
  type.shape.assign(tensor.dims().begin(), tensor.dims().end());
  type.symbols.assign(type.shape.size(), "");
  return type;
}

std::vector<ValueType> inferred_types(const GraphIndex& index, const std::vector<ShapeBinding>& bound) {
  std::shared_ptr<onnx::ModelProto> model = copy_skeleton(index.skeleton());
  for (const auto& binding : resolved_shapes(index, bound)) bind_input(*model->mutable_graph(), binding);
  const InferenceLoad load = measure_inference(index);
  infer(model, load);
  std::vector<ValueType> types(index.values().size());
  // Inference only adds value_info, so the two models have the same scopes; what was left out is put back.
  if (model->functions_size() == 0) *model->mutable_functions() = index.skeleton().functions();
  const GraphIndex inferred(*model);
  for (size_t s = 0; s < index.scopes().size(); ++s) {
    const ScopeId scope{static_cast<int32_t>(s)};
    const auto take = [&](const auto& infos) {
      for (const auto& info : infos) {
        const ValueId id = index.lookup(scope, info.name());
        if (id.valid() && index.value(id).scope == scope) merge(info.type(), types[static_cast<size_t>(id.value)]);
      }
    };
    const ScopeInfo& from = inferred.scope(scope);
    if (from.function != nullptr) {
      take(from.function->value_info());
    } else {
      take(from.graph->value_info());
      take(from.graph->input());
      take(from.graph->output());
    }
  }
  for (size_t v = 0; v < types.size(); ++v) {
    const ValueInfo& value = index.values()[v];
    if (value.initializer != nullptr) types[v] = type_of(*value.initializer);
    if (!value.producer.valid()) continue;
    if (const auto* tensor = constant_tensor(*index.node(value.producer).proto)) types[v] = type_of(*tensor);
  }
  return types;
}

void forget_declared_shapes(onnx::GraphProto& graph, bool is_main) {
  const auto forget = [](onnx::ValueInfoProto& info) {
    if (info.type().has_tensor_type()) info.mutable_type()->mutable_tensor_type()->clear_shape();
  };
  graph.clear_value_info();
  for (onnx::ValueInfoProto& output : *graph.mutable_output()) forget(output);
  for (onnx::ValueInfoProto& input : *graph.mutable_input()) {
    if (!is_main) forget(input);
  }
  for (onnx::NodeProto& node : *graph.mutable_node()) {
    for (onnx::AttributeProto& attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) forget_declared_shapes(*attribute.mutable_g(), false);
      for (onnx::GraphProto& inner : *attribute.mutable_graphs()) forget_declared_shapes(inner, false);
    }
  }
}

std::vector<ValueType> inferred_from_inputs(const GraphIndex& index) {
  const std::shared_ptr<onnx::ModelProto> bare = copy_skeleton(index.skeleton());
  forget_declared_shapes(*bare->mutable_graph(), true);
  for (onnx::FunctionProto& function : *bare->mutable_functions()) function.clear_value_info();
  return inferred_types(GraphIndex(*bare), {});  // of the same values in the same order
}

}  // namespace

std::vector<ValueType> infer_types(const GraphIndex& index, const std::vector<ShapeBinding>& bound) {
  if (!bound.empty()) return inferred_types(index, bound);
  GraphIndex::Inferred& inferred = *index.inferred_;
  std::call_once(inferred.once, [&] { inferred.types = inferred_types(index, {}); });
  return inferred.types;
}

const std::vector<ValueType>& infer_types_from_inputs(const GraphIndex& index) {
  GraphIndex::Inferred& inferred = *index.inferred_;
  std::call_once(inferred.once_from_inputs, [&] { inferred.types_from_inputs = inferred_from_inputs(index); });
  return inferred.types_from_inputs;
}

}  // namespace vetquant
