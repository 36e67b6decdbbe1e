#include "nbits_layout.h"

#include "vetquant/core/error.h"

namespace vetquant {
namespace {

bool is_signed(const QuantSpec& spec) { return spec.code_type == DType::kInt4 || spec.code_type == DType::kInt8; }

int middle(const QuantSpec& spec) { return bits_of(spec.code_type) == 4 ? 8 : 128; }

}  // namespace

int64_t blocks_in_row(const PlannedTensor& tensor) {
  return (tensor.view.shape()[1] + tensor.layout.block_size - 1) / tensor.layout.block_size;
}

bool stores_zero_point(const PlannedTensor& tensor) {
  const QuantSpec& spec = tensor.spec;
  return spec.symmetry == Symmetry::kAsymmetric || symmetric_zero_point(spec) != (is_signed(spec) ? 0 : middle(spec));
}

CodesLayout nbits_layout(const PlannedTensor& tensor) {
  const QuantSpec& spec = tensor.spec;
  const Shape& shape = tensor.view.shape();
  const ScaleLayout wanted{.channel_axes = {0}, .block_axis = 1, .block_size = tensor.layout.block_size};
  const int bits = bits_of(spec.code_type);
  if (shape.size() != 2 || tensor.layout != wanted || (bits != 4 && bits != 8)) {
    throw Error(ErrorCode::kInternal,
                "forms matmul_nbits and gather_block want a matrix [N, K] of 4 or 8 bits in blocks along K",
                tensor.name);
  }
  const int64_t blocks = blocks_in_row(tensor), block = tensor.layout.block_size;
  CodesLayout layout;
  layout.code_type = DType::kUint8;
  layout.codes = {shape[0], blocks, block * bits / 8};
  layout.scale = {shape[0], blocks};
  if (blocks * block != shape[1]) layout.pad_last_axis_to = blocks * block;
  if (is_signed(spec)) layout.code_xor = static_cast<uint8_t>(middle(spec));
  if (!stores_zero_point(tensor)) return layout;
  if (spec.zero_point == ZeroPointKind::kFloat) {
    layout.zero_point = layout.scale;
    layout.zero_point_type = DType::kFloat32;
    layout.zero_point_packing = QuantJob::ZeroPointPacking::kFloats;
    return layout;
  }
  layout.zero_point_type = DType::kUint8;
  layout.zero_point = Shape{shape[0], bits == 4 ? (blocks + 1) / 2 : blocks};
  if (bits == 4) layout.zero_point_packing = QuantJob::ZeroPointPacking::kNibblesPerRow;
  return layout;
}

void check_nbits(const EmitContext& context, const PlannedTensor& tensor, NodeId node) {
  const int64_t block = tensor.layout.block_size;
  if (block < 16 || (block & (block - 1)) != 0) {
    context.refuse(node, "com.microsoft operators take blocks of 16, 32, 64, 128, ... (a power of two), not " +
                             std::to_string(block));
  }
  if (tensor.spec.zero_point == ZeroPointKind::kFloat && stores_zero_point(tensor) &&
      (bits_of(tensor.spec.code_type) != 4 || is_signed(tensor.spec))) {
    context.refuse(node, "float zero points need weights: uint4 here; use zero_point: integer");
  }
}

}  // namespace vetquant
