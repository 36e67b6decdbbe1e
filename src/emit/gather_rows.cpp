// Rows are looked up as codes, with their scales, and dequantized alone: standard operators. (The runtime does not move a
// DequantizeLinear behind a Gather by itself; it would dequantize the whole table at every call.)
#include <algorithm>

#include "broadcast_layout.h"
#include "forms.h"
#include "vetquant/core/error.h"

namespace vetquant {
namespace {

void check(const EmitContext& context, const PlannedNode& node, const PlannedTensor* table) {
  const onnx::NodeProto& proto = *context.index().node(node.node).proto;
  if (table == nullptr || proto.op_type() != "Gather") {
    throw Error(ErrorCode::kInternal, "form gather_rows is planned for a node that looks nothing up",
                context.index().node(node.node).address);
  }
  if (int_attribute(proto, "axis", 0) != 0 || EmitContext::use_at(*table, node.node, 0).transposed) {
    context.refuse(node.node, "form gather_rows looks up rows; this Gather has another axis; use form fold_at_load");
  }
  if (table->layout.block_axis == 0) {
    context.refuse(node.node, "form gather_rows takes blocks within a row only; use granularity: channel");
  }
  if (bits_of(table->spec.code_type) != 8) {
    context.refuse(node.node, "form gather_rows takes 8-bit codes; use form gather_block, or weights: int8");
  }
}

}  // namespace

void emit_gather_rows(EmitContext& context, const PlannedNode& node) {
  const NodeInfo& info = context.index().node(node.node);
  const onnx::NodeProto& proto = context.editor().node(node.node);
  const PlannedTensor* table = context.tensor_at(node, 0);
  check(context, node, table);
  const bool blocked = table->layout.block_axis >= 0;
  const ValueType& ids = context.type(info.inputs[1]);
  if (blocked && !ids.has_shape) {
    context.refuse(
        node.node,
        "form gather_rows by block needs the rank of the ids, which is unknown here; use granularity: channel");
  }
  CodesLayout layout = broadcast_layout(*table);
  const auto& channels = table->layout.channel_axes;
  const bool by_row = std::find(channels.begin(), channels.end(), 0) != channels.end();
  Shape& scale = layout.scale;  // of the table's rank where rows are looked up, of a row's where one serves all rows
  if (by_row) {
    scale.insert(scale.begin(), layout.codes.size() - scale.size(), 1);
  } else {
    scale.erase(scale.begin(), std::find_if(scale.begin(), scale.end(), [](int64_t dim) { return dim != 1; }));
  }
  if (layout.zero_point) layout.zero_point = scale;
  const StoredCodes& stored = context.store_codes(*table, layout);

  NodeWriter writer = context.before(node.node);
  const auto look_up = [&](const std::string& values) {
    return by_row ? writer.op("Gather", {values, proto.input(1)}) : values;  // one row of scales serves all
  };
  std::string value = writer.cast(writer.op("Gather", {stored.codes, proto.input(1)}), DType::kFloat32);
  if (layout.zero_point) {
    const std::string zero_point = look_up(stored.zero_point);
    value = writer.op("Sub", {value, writer.as(zero_point, layout.zero_point_type, DType::kFloat32)});
  } else if (const int zero_point = symmetric_zero_point(table->spec); zero_point != 0) {
    value = writer.op("Sub", {value, writer.scalar(static_cast<float>(zero_point))});
  }
  value = writer.op("Mul", {value, look_up(stored.scale)});
  if (blocked) {
    Shape shape(ids.shape.size(), 0);
    shape.insert(shape.end(), table->view.shape().begin() + 1, table->view.shape().end());
    value = writer.reshape(value, shape);
  }
  writer.as(value, DType::kFloat32, table->view.dtype());
  writer.name_last(proto.output(0));
  context.editor().remove_node(node.node);
}

}  // namespace vetquant
