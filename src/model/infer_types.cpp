#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

#include <exception>
#include <functional>

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

// False where ONNX gave up; what it had said by then is not to be trusted.
bool run_inference(onnx::ModelProto& model, bool propagate_data) {
  const onnx::ShapeInferenceOptions options(false, 0, propagate_data);
  try {
    onnx::shape_inference::InferShapes(model, &operator_schemas(), options);
  } catch (const std::exception&) {  // what cannot be inferred stays unknown: that is the contract
    return false;
  }
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

// A graph or a function: the other is null.
struct Body {
  const onnx::GraphProto* graph = nullptr;
  const onnx::FunctionProto* function = nullptr;
};

// In the order of GraphIndex's scopes: breadth first.
std::vector<Body> bodies_of(const onnx::ModelProto& model) {
  std::vector<Body> bodies = {{&model.graph(), nullptr}};
  for (const auto& function : model.functions()) bodies.push_back({nullptr, &function});
  const auto add_inner = [&](const auto& nodes) {
    for (const onnx::NodeProto& node : nodes) {
      for (const onnx::AttributeProto& attribute : node.attribute()) {
        if (attribute.has_g()) bodies.push_back({&attribute.g(), nullptr});
        for (const onnx::GraphProto& graph : attribute.graphs()) bodies.push_back({&graph, nullptr});
      }
    }
  };
  for (size_t i = 0; i < bodies.size(); ++i) {
    const Body body = bodies[i];
    add_inner(body.graph != nullptr ? body.graph->node() : body.function->node());
  }
  return bodies;
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
  for (const Body& body : bodies_of(model)) {
    if (body.graph == nullptr) continue;
    add(body.graph->input());
    add(body.graph->output());
    add(body.graph->value_info());
  }
  return sum;
}

using MakeModel = std::function<std::shared_ptr<onnx::ModelProto>()>;

// ONNX gives up on some models as a whole: then without the sparse initializers it stumbles over, or not at all.
std::shared_ptr<onnx::ModelProto> shapes_inferred(const MakeModel& make) {
  std::shared_ptr<onnx::ModelProto> model = make();
  if (run_inference(*model, false)) return model;
  model = make();
  const google::protobuf::RepeatedPtrField<onnx::SparseTensorProto> saved(model->graph().sparse_initializer());
  model->mutable_graph()->clear_sparse_initializer();
  if (!run_inference(*model, false)) return nullptr;
  *model->mutable_graph()->mutable_sparse_initializer() = saved;
  return model;
}

std::shared_ptr<onnx::ModelProto> inferred(const MakeModel& make, const InferenceLoad& load) {
  std::shared_ptr<onnx::ModelProto> model = shapes_inferred(make);
  if (model == nullptr) return make();
  if (load.longest_list > limits::kInferredList || vector_elements(*model) > limits::kInferredList) return model;
  return run_inference(*model, true) ? model : shapes_inferred(make);
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

// Of the index's values, as inferred for a model with the same values in the same scopes.
std::vector<ValueType> inferred_types(const GraphIndex& index, const MakeModel& make) {
  const InferenceLoad load = measure_inference(index);
  const bool without_functions =
      load.expanded_nodes > limits::kInferredNodes || load.call_depth > limits::kInferredCallDepth;
  const std::shared_ptr<onnx::ModelProto> model = inferred(
      [&] {
        std::shared_ptr<onnx::ModelProto> fresh = make();
        if (without_functions) fresh->clear_functions();
        return fresh;
      },
      load);
  if (without_functions) *model->mutable_functions() = index.skeleton().functions();
  std::vector<ValueType> types(index.values().size());
  const std::vector<Body> bodies = bodies_of(*model);
  for (size_t s = 0; s < index.scopes().size(); ++s) {
    const ScopeId scope{static_cast<int32_t>(s)};
    const auto take = [&](const auto& infos) {
      for (const auto& info : infos) {
        const ValueId id = index.lookup(scope, info.name());
        if (id.valid() && index.value(id).scope == scope) merge(info.type(), types[static_cast<size_t>(id.value)]);
      }
    };
    const Body& from = bodies.at(s);
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

std::vector<ValueType> inferred_as_declared(const GraphIndex& index, const std::vector<ShapeBinding>& bound) {
  const std::vector<ShapeBinding> shapes = resolved_shapes(index, bound);
  return inferred_types(index, [&] {
    std::shared_ptr<onnx::ModelProto> model = copy_skeleton(index.skeleton());
    for (const auto& binding : shapes) bind_input(*model->mutable_graph(), binding);
    return model;
  });
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
  return inferred_types(index, [&] {
    std::shared_ptr<onnx::ModelProto> bare = copy_skeleton(index.skeleton());
    forget_declared_shapes(*bare->mutable_graph(), true);
    for (onnx::FunctionProto& function : *bare->mutable_functions()) function.clear_value_info();
    return bare;
  });
}

}  // namespace

std::vector<ValueType> infer_types(const GraphIndex& index, const std::vector<ShapeBinding>& bound) {
  if (!bound.empty()) return inferred_as_declared(index, bound);
  GraphIndex::Inferred& inferred = *index.inferred_;
  std::call_once(inferred.once, [&] { inferred.types = inferred_as_declared(index, {}); });
  return inferred.types;
}

const std::vector<ValueType>& infer_types_from_inputs(const GraphIndex& index) {
  GraphIndex::Inferred& inferred = *index.inferred_;
  std::call_once(inferred.once_from_inputs, [&] { inferred.types_from_inputs = inferred_from_inputs(index); });
  return inferred.types_from_inputs;
}

}  // namespace vetquant
