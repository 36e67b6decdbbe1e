// com.microsoft GatherBlockQuantized: rows are looked up as codes and dequantized alone.
//
// A table of its own is stored as [V, W * bits / 8]. One that a MatMulNBits shares has that operator's layout [V, blocks,
// block * bits / 8] and is looked up in three dimensions, without any copy; where the rank of the ids is unknown, or 4-bit
// zero points are stored (packed by row there), the lookup reads it through a Reshape.
#include <algorithm>

#include "forms.h"
#include "nbits_layout.h"
#include "vetquant/core/error.h"

namespace vetquant {
namespace {

bool shared_with_product(const EmitContext& context, const PlannedTensor& table) {
  return std::any_of(table.uses.begin(), table.uses.end(), [&](const auto& use) {
    const PlannedNode* planned = context.planned(use.node);
    return planned != nullptr && planned->form == Form::kMatMulNBits;
  });
}

bool is_4_bit(const PlannedTensor& table) { return bits_of(table.spec.code_type) == 4; }

// Rows of their own, padded to whole bytes.
CodesLayout row_layout(const PlannedTensor& table) {
  CodesLayout layout = nbits_layout(table);
  const int64_t width = table.view.shape()[1];
  const int64_t stored_width = is_4_bit(table) ? (width + 1) / 2 * 2 : width;
  layout.codes = {table.view.shape()[0], is_4_bit(table) ? stored_width / 2 : stored_width};
  layout.pad_last_axis_to = stored_width == width ? 0 : stored_width;
  return layout;
}

struct Lookup {
  EmitContext& context;
  const PlannedTensor& table;
  const StoredCodes& stored;
  std::string ids;
  int ids_rank = -1;  // -1 unknown

  int64_t width() const { return table.view.shape()[1]; }

  std::string gather(NodeWriter& writer, const std::string& codes, const std::string& scale,
                     const std::string& zero_point, int64_t quantize_axis) const {
    std::vector<std::string> inputs{codes, ids, scale};
    if (!zero_point.empty()) inputs.push_back(zero_point);
    std::string rows = writer.op("GatherBlockQuantized", inputs, kContribDomain);
    set_int(writer.last(), "gather_axis", 0);
    set_int(writer.last(), "quantize_axis", quantize_axis);
    set_int(writer.last(), "bits", bits_of(table.spec.code_type));
    set_int(writer.last(), "block_size", table.layout.block_size);
    return rows;
  }

  std::string cut(NodeWriter& writer, const std::string& rows, int64_t stored_width) const {
    return stored_width == width() ? rows : writer.slice_from_start(rows, ids_rank < 0 ? -1 : ids_rank, width());
  }

  std::string from_rows(NodeWriter& writer) const {
    const int64_t stored_width = std::max(stored.layout.pad_last_axis_to, width());
    return cut(writer, gather(writer, stored.codes, stored.scale, stored.zero_point, 1), stored_width);
  }

  // Values of the tensor's scope that every lookup of the table shares.
  std::string reshaped_once(const std::string& value, const Shape& shape) const {
    std::vector<std::string>& made = context.scope_cache(stored.scope, "reshaped " + value);
    if (made.empty()) made.push_back(context.at_start(table).reshape(value, shape));
    return made.front();
  }

  std::string from_blocks(NodeWriter& writer) const {
    const int64_t rows = table.view.shape()[0], blocks = blocks_in_row(table),
                  stored_width = blocks * table.layout.block_size;
    if (ids_rank < 0 || (is_4_bit(table) && !stored.zero_point.empty())) {
      const std::string flat = reshaped_once(stored.codes, {rows, stored.layout.codes[1] * stored.layout.codes[2]});
      return cut(writer, gather(writer, flat, stored.scale, stored.zero_point, 1), stored_width);
    }
    const std::string scale = reshaped_once(stored.scale, {rows, blocks, 1});
    const std::string zero_point = stored.zero_point.empty() ? "" : reshaped_once(stored.zero_point, {rows, blocks, 1});
    const std::string found = gather(writer, stored.codes, scale, zero_point, 2);
    Shape shape(static_cast<size_t>(ids_rank), 0);
    shape.push_back(stored_width);
    return cut(writer, writer.reshape(found, shape), stored_width);
  }
};

}  // namespace

void emit_gather_block(EmitContext& context, const PlannedNode& node) {
  const NodeInfo& info = context.index().node(node.node);
  const onnx::NodeProto& proto = context.editor().node(node.node);
  const PlannedTensor* table = context.tensor_at(node, 0);
  if (table == nullptr || proto.op_type() != "Gather") {
    throw Error(ErrorCode::kInternal, "form gather_block is planned for a node that looks nothing up", info.address);
  }
  if (int_attribute(proto, "axis", 0) != 0 || EmitContext::use_at(*table, node.node, 0).transposed) {
    context.refuse(node.node, "form gather_block looks up rows; this Gather has another axis; use form fold_at_load");
  }
  check_nbits(context, *table, node.node);
  if (table->spec.zero_point == ZeroPointKind::kFloat && stores_zero_point(*table)) {
    context.refuse(node.node, "form gather_block takes integer zero points only");
  }
  context.need_contrib(node.node, Form::kGatherBlock);
  const bool shared = shared_with_product(context, *table);
  const StoredCodes& stored = context.store_codes(*table, shared ? nbits_layout(*table) : row_layout(*table));
  const ValueType& ids = context.type(info.inputs[1]);
  const Lookup lookup{context, *table, stored, proto.input(1), ids.has_shape ? static_cast<int>(ids.shape.size()) : -1};
  NodeWriter writer = context.before(node.node);
  const std::string rows = shared ? lookup.from_blocks(writer) : lookup.from_rows(writer);
  writer.as(rows, DType::kFloat32, table->view.dtype());
  writer.name_last(proto.output(0));
  context.editor().remove_node(node.node);
}

}  // namespace vetquant
