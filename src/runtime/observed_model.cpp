#include "vetquant/runtime/observed_model.h"

#include <onnx/onnx_pb.h>

#include "vetquant/core/error.h"
#include "vetquant/model/skeleton.h"

namespace vetquant {
namespace {

// What may give a value that is no tensor where inference does not know.
bool may_give_no_tensor(const onnx::NodeProto& node) {
  const std::string& op = node.op_type();
  return op.find("Sequence") != std::string::npos || op.find("Optional") != std::string::npos || op == "ZipMap" ||
         op == "If" || op == "Loop" || op == "Scan" || op == "Identity";
}

class Observing {
 public:
  Observing(const Model& model, const GraphIndex& index)
      : index_(index), types_(infer_types(index)), constants_(model, index) {}

  ObservedModel run() {
    ObservedModel result;
    result.skeleton = copy_skeleton(index_.skeleton());
    const GraphIndex own(*result.skeleton);  // the same scopes and values, in a graph that is ours to change
    // Nodes are appended to what the index points at; nothing that it names moves.
    for (size_t v = 0; v < index_.values().size(); ++v) {
      const ValueId id{static_cast<int32_t>(v)};
      if (!is_observed(id)) continue;
      const ScopeInfo& scope = own.scope(own.value(id).scope);
      onnx::NodeProto& node = scope.function != nullptr ? *const_cast<onnx::FunctionProto*>(scope.function)->add_node()
                                                        : *const_cast<onnx::GraphProto*>(scope.graph)->add_node();
      fill(node, own.value(id).name, static_cast<int64_t>(result.addresses.size()));
      result.addresses.push_back(index_.address(id));
      result.is_float.push_back(is_float(types_[v].dtype));
    }
    import_domain(*result.skeleton);
    return result;
  }

 private:
  bool is_observed(ValueId id) const {
    const ValueInfo& value = index_.value(id);
    const DType dtype = types_[static_cast<size_t>(id.value)].dtype;
    switch (value.kind) {
      case ValueKind::kInput:
        return is_float(dtype);
      case ValueKind::kNodeOutput: {
        const onnx::NodeProto& producer = *index_.node(value.producer).proto;
        const bool possible = is_float(dtype) || (dtype == DType::kUndefined && !may_give_no_tensor(producer));
        return possible && producer.op_type() != "Constant" && !constants_.find(id);
      }
      case ValueKind::kInitializer:
      case ValueKind::kSparseInitializer:
        return false;
    }
    return false;
  }

  static void fill(onnx::NodeProto& node, const std::string& value, int64_t observer) {
    node.set_domain(kObserveDomain);
    node.set_op_type(kObserveOperator);
    node.set_name("vetquant_observe_" + std::to_string(observer));
    node.add_input(value);
    node.add_output("vetquant_observed_" + std::to_string(observer));
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(kObserverAttribute);
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(observer);
  }

  static void import_domain(onnx::ModelProto& model) {
    const auto add = [](auto& owner) {
      onnx::OperatorSetIdProto& import = *owner.add_opset_import();
      import.set_domain(kObserveDomain);
      import.set_version(1);
    };
    add(model);
    for (onnx::FunctionProto& function : *model.mutable_functions()) add(function);
  }

  const GraphIndex& index_;
  const std::vector<ValueType> types_;
  const ConstantFinder constants_;
};

}  // namespace

ObservedModel observed_model(const Model& model, const GraphIndex& index) {
  ObservedModel result = Observing(model, index).run();
  if (result.addresses.empty())
    throw Error(ErrorCode::kUsage, "has no float activation: there is nothing to calibrate", model.path().string());
  return result;
}

}  // namespace vetquant
