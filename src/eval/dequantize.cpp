#include "dequantize.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "vetquant/model/tensor_view.h"

namespace vetquant {
namespace {

std::vector<int64_t> integers_of(const TensorView& view) {
  std::vector<int64_t> values(view.elements());
  read_int64s(view, Box::whole(view), values);
  return values;
}

int64_t product(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

// Two codes a byte, the low nibble first.
std::vector<int64_t> nibbles(const std::vector<int64_t>& bytes) {
  std::vector<int64_t> out;
  out.reserve(2 * bytes.size());
  for (const int64_t byte : bytes) {
    out.push_back(byte & 15);
    out.push_back((byte >> 4) & 15);
  }
  return out;
}

// For each dimension of `shape`, how many neighbours share one scale: shape[d] / scale[d], rounded up.
std::optional<Shape> sharing(const Shape& shape, const Shape& scale) {
  if (scale.size() != shape.size()) return std::nullopt;
  Shape shared;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (scale[d] < 1 || shape[d] < scale[d]) return std::nullopt;
    shared.push_back((shape[d] + scale[d] - 1) / scale[d]);
  }
  return shared;
}

// Calls fn(flat index, index of its scale) for every element in row-major order.
void for_each_element(const Shape& shape, const Shape& scale, const Shape& shared,
                      const std::function<void(size_t, size_t)>& fn) {
  Shape index(shape.size(), 0);
  const auto count = static_cast<size_t>(product(shape));
  for (size_t flat = 0; flat < count; ++flat) {
    int64_t at = 0;
    for (size_t d = 0; d < shape.size(); ++d) at = at * scale[d] + index[d] / shared[d];
    fn(flat, static_cast<size_t>(at));
    for (size_t d = shape.size(); d-- > 0;) {
      if (++index[d] < shape[d]) break;
      index[d] = 0;
    }
  }
}

// The weight's shape with one axis split into blocks so that a scale [.., blocks, 1, ..] fits it.
std::optional<Shape> split_by(const Shape& weight, const Shape& scale) {
  if (scale.size() != weight.size() + 1) return std::nullopt;
  for (size_t axis = 0; axis < weight.size(); ++axis) {
    if (scale[axis + 1] != 1 || weight[axis] % scale[axis] != 0) continue;
    Shape shape = weight;
    shape[axis] = scale[axis];
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, weight[axis] / scale[axis]);
    bool fits = true;
    for (size_t d = 0; d < shape.size(); ++d) fits &= scale[d] == 1 || scale[d] == shape[d];
    if (fits) return shape;
  }
  return std::nullopt;
}

Shape padded_in_front(Shape shape, size_t rank) {
  if (shape.size() < rank) shape.insert(shape.begin(), rank - shape.size(), 1);
  return shape;
}

}  // namespace

std::vector<float> Dequantizer::floats_of(ValueId value) const {
  const auto view = constants_.find(value);
  std::vector<float> values(view ? view->elements() : 0);
  if (!view) return values;
  if (is_float(view->dtype())) {
    read_floats(*view, Box::whole(*view), values);
  } else {
    const auto integers = integers_of(*view);
    std::transform(integers.begin(), integers.end(), values.begin(), [](int64_t v) { return static_cast<float>(v); });
  }
  return values;
}

std::vector<float> Dequantizer::scales_of(ValueId value) const {
  std::vector<float> scale = floats_of(value);
  const NodeInfo* cast = user_of(value, "Cast");
  const NodeInfo* lookup = cast == nullptr || cast->outputs.empty() ? nullptr : user_of(cast->outputs[0], "Gather");
  if (lookup == nullptr || lookup->inputs.empty()) return scale;
  const std::vector<float> grid = floats_of(lookup->inputs[0]);
  for (float& s : scale) {
    const auto code = static_cast<size_t>(s);
    s = code < grid.size() ? grid[code] : 0.0F;
  }
  return scale;
}

const NodeInfo* Dequantizer::user_of(ValueId value, const char* op) const {
  for (const ValueUse& use : index_.value(value).uses) {
    const NodeInfo& node = index_.node(use.node);
    if (node.proto->op_type() == op) return &node;
    if (node.proto->op_type() != "Reshape" || node.outputs.empty()) continue;
    if (const NodeInfo* found = user_of(node.outputs[0], op)) return found;
  }
  return nullptr;
}

std::optional<StoredWeight> Dequantizer::values_of(const CodeParts& parts, const Shape& weight) const {
  if (const NodeInfo* product_node = user_of(parts.codes, "MatMulNBits")) return by_rows(parts, *product_node, weight);
  if (const NodeInfo* lookup = user_of(parts.codes, "GatherBlockQuantized")) return by_rows(parts, *lookup, weight);
  return by_broadcast(parts, weight);
}

std::optional<StoredWeight> Dequantizer::by_rows(const CodeParts& parts, const NodeInfo& user,
                                                 const Shape& weight) const {
  const auto view = constants_.find(parts.codes);
  const int64_t bits = int_attribute(*user.proto, "bits", 4), block = int_attribute(*user.proto, "block_size", 0);
  if (!view || view->shape().empty() || weight.size() != 2 || block < 1 || (bits != 4 && bits != 8))
    return std::nullopt;
  const int64_t rows = view->shape()[0];
  if (rows != weight[0] && rows != weight[1]) return std::nullopt;
  const int64_t columns = rows == weight[0] ? weight[1] : weight[0], blocks = (columns + block - 1) / block;
  std::vector<int64_t> codes = integers_of(*view);
  if (bits == 4) codes = nibbles(codes);
  const int64_t stride = static_cast<int64_t>(codes.size()) / std::max<int64_t>(rows, 1);
  const std::vector<float> scale = scales_of(parts.scale);
  if (stride < columns || static_cast<int64_t>(scale.size()) != rows * blocks) return std::nullopt;
  std::vector<float> zero_point(scale.size(), bits == 4 ? 8.0F : 128.0F);
  if (parts.zero_point.valid()) {
    const auto zero_view = constants_.find(parts.zero_point);
    if (!zero_view) return std::nullopt;
    if (is_float(zero_view->dtype()) || bits == 8) {
      zero_point = floats_of(parts.zero_point);
    } else {
      const std::vector<int64_t> packed = nibbles(integers_of(*zero_view));
      const int64_t row = static_cast<int64_t>(packed.size()) / rows;
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t b = 0; b < blocks; ++b)
          zero_point[static_cast<size_t>(r * blocks + b)] =
              static_cast<float>(packed[static_cast<size_t>(r * row + b)]);
      }
    }
    if (zero_point.size() != scale.size()) return std::nullopt;
  }
  StoredWeight stored{{rows, columns}, std::vector<float>(static_cast<size_t>(rows * columns)), ""};
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      const auto s = static_cast<size_t>(r * blocks + c / block);
      stored.values[static_cast<size_t>(r * columns + c)] =
          scale[s] * (static_cast<float>(codes[static_cast<size_t>(r * stride + c)]) - zero_point[s]);
    }
  }
  stored.form = user.proto->op_type() + ", " + std::to_string(bits) + " bits, block " + std::to_string(block);
  return stored;
}

std::optional<StoredWeight> Dequantizer::by_broadcast(const CodeParts& parts, const Shape& weight) const {
  const auto view = constants_.find(parts.codes);
  const auto scale_view = constants_.find(parts.scale);
  if (!view || !scale_view) return std::nullopt;
  Shape scale_shape = scale_view->shape(), shape = view->shape();
  std::vector<int64_t> codes = integers_of(*view);
  int bits = bits_of(view->dtype());
  // Nibbles in bytes [n / 2, 1] for the runtime's folding.
  const bool packed =
      view->dtype() == DType::kUint8 && shape.size() == 2 && shape[1] == 1 && product(weight) > product(shape);
  if (packed) {
    bits = 4;
    codes = nibbles(codes);
    const auto split = split_by(weight, scale_shape);
    shape = split ? *split : weight;
    if (static_cast<int64_t>(codes.size()) < product(shape)) return std::nullopt;
    codes.resize(static_cast<size_t>(product(shape)));
  }
  std::string form = "folded";
  if (const NodeInfo* node = user_of(parts.codes, "DequantizeLinear")) {
    form = "DequantizeLinear";
    if (scale_shape.size() == 1 && shape.size() > 1 && int_attribute(*node->proto, "block_size", 0) == 0) {
      const int64_t given = int_attribute(*node->proto, "axis", 1), rank = static_cast<int64_t>(shape.size());
      const int64_t axis = given < 0 ? given + rank : given;
      if (axis < 0 || axis >= rank) return std::nullopt;
      const int64_t channels = scale_shape[0];
      scale_shape.assign(shape.size(), 1);
      scale_shape[static_cast<size_t>(axis)] = channels;
    }
  } else if (user_of(parts.codes, "DynamicQuantizeLSTM")) {
    form = "DynamicQuantizeLSTM";
    if (shape.size() != 3 || scale_shape.empty()) return std::nullopt;
    scale_shape = {scale_shape[0], 1, scale_shape.size() > 1 ? scale_shape[1] : 1};
  } else {
    for (const char* op : {"MatMulInteger", "DynamicQuantizeMatMul", "Gather"})
      form = user_of(parts.codes, op) ? op : form;
  }
  scale_shape = padded_in_front(scale_shape, shape.size());
  const auto shared = sharing(shape, scale_shape);
  if (!shared) return std::nullopt;
  const std::vector<float> scale = scales_of(parts.scale);
  std::vector<float> zero_point(scale.size(), bits == 4 && packed              ? 8.0F
                                              : view->dtype() == DType::kUint8 ? 128.0F
                                                                               : 0.0F);
  if (parts.zero_point.valid()) {
    zero_point = floats_of(parts.zero_point);
    const auto zero_view = constants_.find(parts.zero_point);
    if (packed && zero_view && !is_float(zero_view->dtype())) {
      const std::vector<int64_t> integers = nibbles(integers_of(*zero_view));
      zero_point.assign(integers.begin(), integers.end());
    }
    if (zero_point.size() < scale.size()) return std::nullopt;
  }
  StoredWeight stored{shape, std::vector<float>(codes.size()), form + ", " + std::to_string(bits) + " bits"};
  for_each_element(shape, scale_shape, *shared, [&](size_t flat, size_t s) {
    stored.values[flat] = scale[s] * (static_cast<float>(codes[flat]) - zero_point[s]);
  });
  if (shape.size() != weight.size() && product(shape) == product(weight)) stored.shape = weight;  // blocks joined
  return stored;
}

}  // namespace vetquant
