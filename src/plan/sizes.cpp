#include "sizes.h"

#include <algorithm>
#include <set>

#include "vetquant/core/checked.h"

namespace vetquant {

Shape scale_shape(const Shape& shape, const ScaleLayout& layout) {
  Shape result;
  for (int axis = 0; axis < static_cast<int>(shape.size()); ++axis) {
    const int64_t dim = shape[static_cast<size_t>(axis)];
    if (axis == layout.block_axis) {
      result.push_back(layout.block_size > 0 ? (dim + layout.block_size - 1) / layout.block_size : 1);
    } else if (std::find(layout.channel_axes.begin(), layout.channel_axes.end(), axis) != layout.channel_axes.end()) {
      result.push_back(dim);
    }
  }
  return result;
}

namespace plan {
namespace {

uint64_t product(const Shape& shape) { return checked_elements(shape).value_or(0); }

bool is_block_kernel(Form form) { return form == Form::kMatMulNBits || form == Form::kGatherBlock; }

int64_t rounded_up(int64_t length, int64_t to) { return (length + to - 1) / to * to; }

uint64_t code_bytes(Form form, const Shape& shape, DType code, const ScaleLayout& layout) {
  if (!is_block_kernel(form)) return bytes_of(code, product(shape));
  Shape padded = shape;
  int64_t& length = padded[static_cast<size_t>(layout.block_axis)];
  length = rounded_up(length,
                      form == Form::kMatMulNBits ? layout.block_size : 8 / bits_of(code));  // whole blocks; whole bytes
  return bytes_of(code, product(padded));
}

uint64_t zero_point_bytes(Form form, const Shape& scale, const QuantSpec& spec) {
  const uint64_t count = product(scale);
  if (form == Form::kDynamicLstm || form == Form::kQdq) return count;  // required, even where all are 0
  if (spec.symmetry == Symmetry::kSymmetric) return 0;
  if (spec.zero_point == ZeroPointKind::kFloat) return count * 4;
  if (bits_of(spec.code_type) == 8) return count;
  if (!is_block_kernel(form) || scale.empty()) return bytes_of(spec.code_type, count);
  const uint64_t blocks = static_cast<uint64_t>(scale.back());
  return blocks == 0 ? 0 : count / blocks * ((blocks + 1) / 2);
}

}  // namespace

uint64_t stored_bytes(Form form, const Shape& shape, const QuantSpec& spec, const ScaleLayout& layout) {
  const Shape scale = scale_shape(shape, layout);
  const uint64_t scale_bytes = product(scale) * static_cast<uint64_t>(bytes_of(spec.scale_type));
  return code_bytes(form, shape, spec.code_type, layout) + scale_bytes + zero_point_bytes(form, scale, spec);
}

uint64_t source_bytes(const TensorView& view) {
  std::set<const StoredTensor*> whole;
  uint64_t bytes = 0;
  for (const Piece& piece : view.pieces()) {
    const uint64_t elements = checked_elements(piece.extent).value_or(0);
    if (elements < piece.stored->elements) {
      bytes += bytes_of(piece.stored->dtype, elements);
    } else if (whole.insert(piece.stored.get()).second) {
      bytes += piece.stored->stored_bytes;
    }
  }
  return bytes;
}

}  // namespace plan
}  // namespace vetquant
