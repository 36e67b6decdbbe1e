#include "broadcast_layout.h"

#include <algorithm>

#include "vetquant/core/checked.h"
#include "vetquant/core/error.h"

namespace vetquant {
namespace {

int64_t elements(const Shape& shape) { return static_cast<int64_t>(checked_elements(shape).value_or(0)); }

bool is_4_bit(const PlannedTensor& tensor) { return bits_of(tensor.spec.code_type) == 4; }

constexpr uint8_t kNibbleOffset = 0x08;

Shape broadcast_scale_shape(const PlannedTensor& tensor) {
  const Shape& shape = tensor.view.shape();
  Shape result;
  for (int d = 0; d < static_cast<int>(shape.size()); ++d) {
    const int64_t dim = shape[static_cast<size_t>(d)];
    const auto& channels = tensor.layout.channel_axes;
    if (d == tensor.layout.block_axis) {
      result.push_back(dim / tensor.layout.block_size);
      result.push_back(1);
    } else {
      result.push_back(std::find(channels.begin(), channels.end(), d) != channels.end() ? dim : 1);
    }
  }
  // Leading ones broadcast by themselves: [N] is what the runtime's fusions look for, not [1, N].
  while (!result.empty() && result.front() == 1 && tensor.layout.block_axis < 0) result.erase(result.begin());
  return result;
}

}  // namespace

Shape blocked_shape(const PlannedTensor& tensor) {
  Shape shape = tensor.view.shape();
  if (tensor.layout.block_axis < 0) return shape;
  const auto axis = static_cast<size_t>(tensor.layout.block_axis);
  if (shape[axis] % tensor.layout.block_size != 0) {
    throw Error(ErrorCode::kUnsupported,
                "block " + std::to_string(tensor.layout.block_size) + " does not divide " +
                    std::to_string(shape[axis]) + ", which this form needs; use another block, or granularity channel",
                tensor.name);
  }
  shape.insert(shape.begin() + tensor.layout.block_axis + 1, tensor.layout.block_size);
  shape[axis] /= tensor.layout.block_size;
  return shape;
}

bool has_zero_point(const QuantSpec& spec) {
  return spec.symmetry == Symmetry::kAsymmetric || symmetric_zero_point(spec) != 0;
}

CodesLayout broadcast_layout(const PlannedTensor& tensor) {
  const QuantSpec& spec = tensor.spec;
  CodesLayout layout;
  const Shape shape = blocked_shape(tensor);
  layout.scale = broadcast_scale_shape(tensor);
  layout.code_type = spec.code_type;
  layout.codes = shape;
  if (is_4_bit(tensor)) {
    layout.code_type = DType::kUint8;
    layout.codes = {(elements(shape) + 1) / 2, 1};
    if (spec.code_type == DType::kInt4) layout.code_xor = kNibbleOffset;
  }
  if (spec.symmetry == Symmetry::kSymmetric) return layout;  // the zero point is one known number
  layout.zero_point = layout.scale;
  layout.zero_point_type = spec.code_type;
  if (spec.zero_point == ZeroPointKind::kFloat) {
    layout.zero_point_packing = QuantJob::ZeroPointPacking::kFloats;
    layout.zero_point_type = DType::kFloat32;
  } else if (is_4_bit(tensor)) {
    layout.zero_point_type = DType::kUint8;
    layout.zero_point = Shape{(elements(layout.scale) + 1) / 2, 1};
  }
  return layout;
}

std::string unpack_nibbles(NodeWriter& writer, const std::string& packed, int64_t count, const Shape& shape) {
  const std::string both = writer.cast(packed, DType::kFloat32);
  const std::string high = writer.op("Floor", {writer.op("Mul", {both, writer.scalar(0.0625f)})});
  const std::string low = writer.op("Sub", {both, writer.op("Mul", {high, writer.scalar(16.0f)})});
  std::string all = writer.concat({low, high}, 1);
  if (count % 2 != 0) all = writer.slice_from_start(writer.reshape(all, {count + 1}), 0, count);
  return writer.reshape(all, shape);
}

std::string centred_codes(NodeWriter& writer, const PlannedTensor& tensor, const StoredCodes& stored) {
  const QuantSpec& spec = tensor.spec;
  const Shape shape = blocked_shape(tensor);
  std::string codes = is_4_bit(tensor) ? unpack_nibbles(writer, stored.codes, elements(shape), shape)
                                       : writer.cast(stored.codes, DType::kFloat32);
  const float offset = stored.layout.code_xor;
  if (!stored.layout.zero_point) {
    const float zero_point = static_cast<float>(symmetric_zero_point(spec)) + offset;
    return zero_point == 0 ? codes : writer.op("Sub", {codes, writer.scalar(zero_point)});
  }
  if (spec.zero_point == ZeroPointKind::kFloat) {  // floats are stored without the offset
    if (offset != 0) codes = writer.op("Sub", {codes, writer.scalar(offset)});
    return writer.op("Sub", {codes, stored.zero_point});
  }
  const std::string zero_point =
      is_4_bit(tensor) ? unpack_nibbles(writer, stored.zero_point, elements(stored.layout.scale), stored.layout.scale)
                       : writer.cast(stored.zero_point, DType::kFloat32);
  return writer.op("Sub", {codes, zero_point});
}

}  // namespace vetquant
