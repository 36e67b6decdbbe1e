#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

#include <exception>
#include <filesystem>
#include <system_error>
#include <unordered_map>

#include "vetquant/core/text.h"
#include "vetquant/model/model.h"
#include "vetquant/model/operator_schemas.h"

namespace vetquant {

namespace {

// The checker wants external data to be a regular file of the model's folder: the model itself is one. Bounds are ours.
void point_at(onnx::TensorProto& tensor, const std::string& file_name) {
  if (mark_of(tensor, kPayloadMark) < 0) return;
  auto* entry = tensor.mutable_external_data(0);
  entry->set_key("location");
  entry->set_value(file_name);
}

void point_all_at(onnx::GraphProto& graph, const std::string& file_name);

template <class Nodes>
void point_nodes_at(Nodes& nodes, const std::string& file_name) {
  for (auto& node : nodes) {
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_t()) point_at(*attribute.mutable_t(), file_name);
      for (auto& tensor : *attribute.mutable_tensors()) point_at(tensor, file_name);
      if (attribute.has_g()) point_all_at(*attribute.mutable_g(), file_name);
      for (auto& graph : *attribute.mutable_graphs()) point_all_at(graph, file_name);
    }
  }
}

// Recursion is bounded: the loader refuses more than 33 nested graphs.
void point_all_at(onnx::GraphProto& graph, const std::string& file_name) {
  for (auto& tensor : *graph.mutable_initializer()) point_at(tensor, file_name);
  point_nodes_at(*graph.mutable_node(), file_name);
}

}  // namespace

std::optional<std::string> checker_complaint(const Model& model) {
  onnx::ModelProto copy = model.skeleton();
  std::error_code error;
  // The checker refuses links; those of the model's own path were followed when it was opened.
  const auto path = std::filesystem::canonical(model.path(), error);
  if (error) return "cannot be found any more: " + error.message();
  point_all_at(*copy.mutable_graph(), path.filename().string());
  for (auto& function : *copy.mutable_functions()) point_nodes_at(*function.mutable_node(), path.filename().string());
  onnx::checker::CheckerContext context;
  context.set_schema_registry(&operator_schemas());
  context.set_model_dir(path.parent_path().string());
  context.set_skip_opset_compatibility_check(true);
  context.set_ir_version(static_cast<int>(copy.ir_version()));
  std::unordered_map<std::string, int> opsets;
  for (const auto& import : copy.opset_import()) opsets[import.domain()] = static_cast<int>(import.version());
  if (opsets.empty()) opsets[""] = 1;
  context.set_opset_imports(opsets);
  try {
    const onnx::checker::LexicalScopeContext outermost;
    onnx::checker::check_graph(copy.graph(), context, outermost);
    if (copy.ir_version() >= 8) onnx::checker::check_model_local_functions(copy, context, outermost);
  } catch (const std::exception& complaint) {
    return printable(complaint.what(), 500);
  }
  return std::nullopt;
}

}  // namespace vetquant
