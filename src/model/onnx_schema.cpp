#include "onnx_schema.h"

#include <array>

namespace vetquant {

namespace {

using enum MessageKind;

struct Row {
  MessageKind parent;
  uint32_t field;
  FieldKind kind;
};

constexpr Row kRows[] = {
    {kModel, 7, {kGraph, true, "graph"}},
    {kModel, 8, {kOpaque, false, "opset_import"}},
    {kModel, 14, {kOpaque, false, "metadata_props"}},
    {kModel, 20, {kTraining, false, "training_info"}},
    {kModel, 25, {kFunction, false, "functions"}},
    {kModel, 26, {kOpaque, false, "configuration"}},
    {kGraph, 1, {kNode, false, "node"}},
    {kGraph, 5, {kTensor, false, "initializer"}},
    {kGraph, 11, {kValueInfo, false, "input"}},
    {kGraph, 12, {kValueInfo, false, "output"}},
    {kGraph, 13, {kValueInfo, false, "value_info"}},
    {kGraph, 14, {kAnnotation, false, "quantization_annotation"}},
    {kGraph, 15, {kSparseTensor, false, "sparse_initializer"}},
    {kGraph, 16, {kOpaque, false, "metadata_props"}},
    {kFunction, 7, {kNode, false, "node"}},
    {kFunction, 9, {kOpaque, false, "opset_import"}},
    {kFunction, 11, {kAttribute, false, "attribute_proto"}},
    {kFunction, 12, {kValueInfo, false, "value_info"}},
    {kFunction, 14, {kOpaque, false, "metadata_props"}},
    {kTraining, 1, {kGraph, true, "initialization"}},
    {kTraining, 2, {kGraph, true, "algorithm"}},
    {kTraining, 3, {kOpaque, false, "initialization_binding"}},
    {kTraining, 4, {kOpaque, false, "update_binding"}},
    {kNode, 5, {kAttribute, false, "attribute"}},
    {kNode, 9, {kOpaque, false, "metadata_props"}},
    {kNode, 10, {kNodeDevice, false, "device_configurations"}},
    {kNodeDevice, 2, {kSharding, false, "sharding_spec"}},
    {kSharding, 3, {kOpaque, false, "index_to_device_group_map"}},
    {kSharding, 4, {kShardedDim, false, "sharded_dim"}},
    {kShardedDim, 2, {kOpaque, false, "simple_sharding"}},
    {kAttribute, 5, {kTensor, true, "t"}},
    {kAttribute, 6, {kGraph, true, "g"}},
    {kAttribute, 10, {kTensor, false, "tensors"}},
    {kAttribute, 11, {kGraph, false, "graphs"}},
    {kAttribute, 14, {kType, true, "tp"}},
    {kAttribute, 15, {kType, false, "type_protos"}},
    {kAttribute, 22, {kSparseTensor, true, "sparse_tensor"}},
    {kAttribute, 23, {kSparseTensor, false, "sparse_tensors"}},
    {kSparseTensor, 1, {kTensor, true, "values"}},
    {kSparseTensor, 2, {kTensor, true, "indices"}},
    {kValueInfo, 2, {kType, true, "type"}},
    {kValueInfo, 4, {kOpaque, false, "metadata_props"}},
    {kType, 1, {kTensorType, false, "tensor_type"}},
    {kType, 4, {kElementType, false, "sequence_type"}},
    {kType, 5, {kMapType, false, "map_type"}},
    {kType, 7, {kOpaque, false, "opaque_type"}},
    {kType, 8, {kTensorType, false, "sparse_tensor_type"}},
    {kType, 9, {kElementType, false, "optional_type"}},
    {kTensorType, 2, {kShape, false, "shape"}},
    {kElementType, 1, {kType, false, "elem_type"}},
    {kMapType, 2, {kType, false, "value_type"}},
    {kShape, 1, {kOpaque, false, "dim"}},
    {kAnnotation, 2, {kOpaque, false, "quant_parameter_tensor_names"}},
};

constexpr size_t kFields = 32;
using Table = std::array<std::array<FieldKind, kFields>, static_cast<size_t>(kCount)>;

constexpr Table make_table() {
  Table table{};
  for (const Row& row : kRows) table[static_cast<size_t>(row.parent)][row.field] = row.kind;
  return table;
}

constexpr Table kTable = make_table();

}  // namespace

FieldKind field_kind(MessageKind parent, uint32_t field) {
  if (field >= kFields) return {};
  return kTable[static_cast<size_t>(parent)][field];
}

}  // namespace vetquant
