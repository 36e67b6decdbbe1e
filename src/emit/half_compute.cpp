// Nodes that compute in fp16. A node's data type is the type variable of its first output (the operator's schema says
// which inputs share it): those inputs and outputs become fp16, everything else of the node stays (scales of Resize,
// indices, shapes). Between two such nodes a value stays fp16; at the borders of a region it is cast, once for each value
// and scope. Inputs and outputs of graphs, subgraphs and functions keep their types, and float values keep their names.
#include <onnx/defs/schema.h>

#include <algorithm>
#include <map>
#include <set>

#include "forms.h"
#include "vetquant/core/error.h"
#include "vetquant/model/operator_schemas.h"

namespace vetquant {
namespace {

constexpr const char* kHalfSuffix = "_fp16";

// Which inputs and outputs of a node are of its data type; empty where it cannot compute in fp16.
struct DataPorts {
  std::vector<int> inputs, outputs;
  bool empty() const { return inputs.empty() || outputs.empty(); }
};

const onnx::OpSchema::FormalParameter* formal(const std::vector<onnx::OpSchema::FormalParameter>& all, int at) {
  if (static_cast<size_t>(at) < all.size()) return &all[static_cast<size_t>(at)];
  const bool variadic = !all.empty() && all.back().GetOption() == onnx::OpSchema::Variadic;
  return variadic ? &all.back() : nullptr;
}

bool allows_halves(const onnx::OpSchema& schema, const std::string& variable) {
  for (const auto& constraint : schema.typeConstraintParams()) {
    if (constraint.type_param_str != variable) continue;
    const auto& types = constraint.allowed_type_strs;
    return std::find(types.begin(), types.end(), "tensor(float16)") != types.end();
  }
  return false;
}

DataPorts data_ports(const NodeInfo& node, int64_t opset) {
  DataPorts ports;
  const std::string& domain = node.proto->domain();
  if (!node.subgraphs.empty() || !(domain.empty() || domain == "ai.onnx")) return ports;
  const onnx::OpSchema* schema = operator_schemas().GetSchema(node.proto->op_type(), static_cast<int>(opset), "");
  if (schema == nullptr || schema->outputs().empty()) return ports;
  const std::string variable = schema->outputs().front().GetTypeStr();
  if (!allows_halves(*schema, variable)) return ports;
  const auto collect = [&](const auto& formals, const std::vector<ValueId>& values, std::vector<int>& found) {
    for (int i = 0; i < static_cast<int>(values.size()); ++i) {
      const auto* parameter = formal(formals, i);
      if (values[static_cast<size_t>(i)].valid() && parameter != nullptr && parameter->GetTypeStr() == variable)
        found.push_back(i);
    }
  };
  collect(schema->inputs(), node.inputs, ports.inputs);
  collect(schema->outputs(), node.outputs, ports.outputs);
  return ports;
}

class HalfCompute {
 public:
  explicit HalfCompute(EmitContext& context) : context_(context), index_(context.index()) {}

  void run() {
    for (const PlannedNode& node : context_.plan().nodes) {
      if (node.form == Form::kHalfCompute) planned_.emplace(node.node, &node);
    }
    choose();
    for (const auto& [id, ports] : converted_) convert(id, ports);
    for (const auto& [value, half] : half_names_) cast_back(value, half);
    report();
  }

 private:
  // Within functions few types are known: a node that is found to be float tells its neighbours, until none is new.
  void choose() {
    for (bool more = true; more;) {
      more = false;
      for (const auto& [id, node] : planned_) {
        if (converted_.contains(id)) continue;
        DataPorts ports = data_ports(index_.node(id), context_.opset(id));
        if (!is_float32(id, ports)) continue;
        const NodeInfo& info = index_.node(id);
        for (int i : ports.inputs) floats_.insert(info.inputs[static_cast<size_t>(i)]);
        for (int i : ports.outputs) floats_.insert(info.outputs[static_cast<size_t>(i)]);
        converted_.emplace(id, std::move(ports));
        more = true;
      }
    }
    for (const auto& [id, node] : planned_) {
      if (!converted_.contains(id)) keep_float(*node);
    }
  }

  DType type_of(ValueId value) const { return floats_.contains(value) ? DType::kFloat32 : context_.type(value).dtype; }

  // All data ports have one type: one that is known tells.
  bool is_float32(NodeId id, const DataPorts& ports) const {
    if (ports.empty()) return false;
    const NodeInfo& node = index_.node(id);
    for (int i : ports.inputs) {
      if (const auto* tensor = context_.tensor_at(*planned_.at(id), i)) return tensor->view.dtype() == DType::kFloat32;
      const DType type = type_of(node.inputs[static_cast<size_t>(i)]);
      if (type != DType::kUndefined) return type == DType::kFloat32;
    }
    for (int i : ports.outputs) {
      const DType type = type_of(node.outputs[static_cast<size_t>(i)]);
      if (type != DType::kUndefined) return type == DType::kFloat32;
    }
    return false;
  }

  // The weights are halves all the same.
  void keep_float(const PlannedNode& node) {
    kept_.insert(index_.node(node.node).proto->op_type());
    for (int id : node.tensors) {
      for (const auto& use : context_.tensor(id).uses) {
        if (use.node == node.node) take_stored(context_.tensor(id), use);
      }
    }
  }

  void take_stored(const PlannedTensor& tensor, const PlannedTensor::WeightUse& use) {
    const std::string& value =
        context_.shared_value(tensor, use.transposed, [&] { return half_storage_value(context_, tensor); });
    context_.editor().set_input(use.node, use.input, value);
  }

  void convert(NodeId id, const DataPorts& ports) {
    const NodeInfo& node = index_.node(id);
    onnx::NodeProto& proto = context_.editor().node(id);
    for (int i = 0; i < proto.input_size(); ++i) {
      const PlannedTensor* tensor = context_.tensor_at(*planned_.at(id), i);
      const bool is_data = std::find(ports.inputs.begin(), ports.inputs.end(), i) != ports.inputs.end();
      const bool is_half = tensor != nullptr && tensor->stored_type == DType::kFloat16;
      if (tensor != nullptr && (!is_data || !is_half)) take_stored(*tensor, EmitContext::use_at(*tensor, id, i));
      if (!is_data) continue;
      if (is_half) {
        context_.editor().set_input(id, i, weight(*tensor, EmitContext::use_at(*tensor, id, i).transposed));
      } else {
        proto.set_input(i, activation(id, node.inputs[static_cast<size_t>(i)], proto.input(i)));
      }
    }
    for (int i : ports.outputs) {
      const ValueId value = node.outputs[static_cast<size_t>(i)];
      const std::string half = context_.editor().unique_name(index_.value(value).name + kHalfSuffix);
      proto.set_output(i, half);
      half_names_.emplace(value, half);
    }
  }

  std::string weight(const PlannedTensor& tensor, bool transposed) {
    const std::string& stored = context_.store_halves(tensor);
    if (!transposed) return stored;
    std::vector<std::string>& made = context_.scope_cache(context_.scope_of(tensor), "transposed " + stored);
    if (made.empty()) {
      std::vector<int64_t> perm(tensor.view.shape().size());
      for (size_t d = 0; d < perm.size(); ++d) perm[d] = static_cast<int64_t>(d);
      std::swap(perm.at(perm.size() - 1), perm.at(perm.size() - 2));
      made.push_back(context_.at_start(tensor).transpose(stored, perm));
    }
    return made.front();
  }

  // `name`: what the node reads now, which a storage form may have changed.
  std::string activation(NodeId reader, ValueId value, const std::string& name) {
    const ScopeId scope = index_.node(reader).scope;
    const auto made_half = half_names_.find(value);
    if (made_half != half_names_.end() && index_.value(value).scope == scope) return made_half->second;
    std::vector<std::string>& cast = context_.scope_cache(scope, "half " + name);
    if (cast.empty()) cast.push_back(context_.before(reader).cast(name, DType::kFloat16));
    return cast.front();
  }

  // For readers that want float, under the old name.
  void cast_back(ValueId id, const std::string& half) {
    const ValueInfo& value = index_.value(id);
    const bool wanted =
        value.is_scope_output || std::any_of(value.uses.begin(), value.uses.end(), [&](const ValueUse& use) {
          const auto reader = converted_.find(use.node);
          if (reader == converted_.end() || index_.node(use.node).scope != value.scope) return true;
          const auto& inputs = reader->second.inputs;
          return std::find(inputs.begin(), inputs.end(), use.input) == inputs.end();
        });
    if (!wanted) return;
    NodeWriter writer(context_.editor(), context_.editor().after(value.producer), half);
    writer.cast(half, DType::kFloat32);
    writer.name_last(value.name);
  }

  void report() {
    if (planned_.empty()) return;
    std::string line = std::to_string(converted_.size()) + " nodes compute in fp16";
    if (converted_.size() < planned_.size()) {
      line += ", " + std::to_string(planned_.size() - converted_.size()) +
              " stay float, as their operators have no fp16 here:";
      for (const std::string& op : kept_) line += " " + op;
    }
    context_.log().steps.push_back(line);
  }

  EmitContext& context_;
  const GraphIndex& index_;
  std::map<NodeId, const PlannedNode*> planned_;
  std::map<NodeId, DataPorts> converted_;
  std::map<ValueId, std::string> half_names_;
  std::set<ValueId> floats_;
  std::set<std::string> kept_;
};

}  // namespace

void emit_half_compute(EmitContext& context) { HalfCompute(context).run(); }

}  // namespace vetquant
