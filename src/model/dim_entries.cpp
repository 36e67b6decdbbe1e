#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cstring>

#include "attributes.h"
#include "load_limits.h"
#include "vetquant/model/dim_tracer.h"

namespace vetquant {
namespace {

using Entry = std::optional<Dim>;

bool is_number(const Entry& entry) { return entry && !entry->value.valid(); }

std::optional<int64_t> only_int64(const onnx::TensorProto& tensor) {
  if (tensor.data_type() != onnx::TensorProto::INT64) return std::nullopt;
  if (tensor.int64_data_size() == 1) return tensor.int64_data(0);
  int64_t value = 0;
  if (tensor.raw_data().size() != sizeof value) return std::nullopt;
  std::memcpy(&value, tensor.raw_data().data(), sizeof value);
  return value;
}

// Of what torch writes for expand(): where(shape == -1 * ones, ones, shape).
Entry multiplied(const Entry& a, const Entry& b) {
  int64_t product = 0;
  if (!is_number(a) || !is_number(b) || __builtin_mul_overflow(a->number, b->number, &product)) return std::nullopt;
  return known_dim(product);
}

Entry equal(const Entry& a, const Entry& b) {
  if (!a || !b) return std::nullopt;
  if (a == b) return known_dim(1);
  const bool differ = (is_number(a) && (is_number(b) || a->number < 0)) || (is_number(b) && b->number < 0);
  return differ ? Entry(known_dim(0)) : std::nullopt;  // a dimension is never negative
}

Entry chosen(const Entry& condition, const Entry& a, const Entry& b) {
  if (is_number(condition)) return condition->number != 0 ? a : b;
  return a == b ? a : std::nullopt;
}

}  // namespace

std::optional<ShapeEntries> DimTracer::entries(ValueId value) const {
  if (!value.valid()) return std::nullopt;
  if (const auto& traced = entries_[static_cast<size_t>(value.value)]) return traced;
  const std::optional<TensorView> view = constants_.find(value);
  if (!view || (view->dtype() != DType::kInt64 && view->dtype() != DType::kInt32)) return std::nullopt;
  if (view->shape().size() > 1 || view->elements() > limits::kTensorRank) return std::nullopt;
  std::vector<int64_t> read(view->elements());
  read_int64s(*view, Box::whole(*view), read);
  ShapeEntries result;
  for (const int64_t entry : read) result.push_back(known_dim(entry));
  return result;
}

std::optional<std::vector<int64_t>> DimTracer::numbers(const NodeInfo& node, const char* attribute,
                                                       size_t input) const {
  if (input >= node.inputs.size() || !node.inputs[input].valid()) return ints_attribute(*node.proto, attribute);
  const std::optional<ShapeEntries> found = entries(node.inputs[input]);
  if (!found) return std::nullopt;
  std::vector<int64_t> result;
  for (const auto& entry : *found) {
    if (!entry || entry->value.valid()) return std::nullopt;
    result.push_back(entry->number);
  }
  return result;
}

std::optional<ShapeEntries> DimTracer::shape_entries(const NodeInfo& node) const {
  const std::optional<Dims>& data = input_dims(node, 0);
  if (!data) return std::nullopt;
  const auto rank = static_cast<int64_t>(data->size());
  const auto bound = [rank](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank); };
  const int64_t first = bound(int_attribute(*node.proto, "start", 0)),
                end = bound(int_attribute(*node.proto, "end", rank));
  if (first >= end) return std::nullopt;
  return ShapeEntries(data->begin() + first, data->begin() + end);
}

std::optional<ShapeEntries> DimTracer::picked_entries(const NodeInfo& node) const {  // Gather
  const auto data = entries(node.inputs[0]);
  const auto ids = numbers(node, "", 1);
  if (!data || !ids || int_attribute(*node.proto, "axis", 0) != 0) return std::nullopt;
  const auto count = static_cast<int64_t>(data->size());
  ShapeEntries result;
  for (const int64_t id : *ids) {
    if (id < -count || id >= count) return std::nullopt;
    result.push_back((*data)[static_cast<size_t>(id < 0 ? id + count : id)]);
  }
  return result;
}

// Operators that work entry by entry; a single entry stands for all.
std::optional<ShapeEntries> DimTracer::computed_entries(const NodeInfo& node) const {
  const std::string& op = node.proto->op_type();
  std::vector<ShapeEntries> inputs;
  size_t count = 1;
  for (const ValueId input : node.inputs) {
    auto found = entries(input);
    if (!found || found->empty()) return std::nullopt;
    count = std::max(count, found->size());
    inputs.push_back(std::move(*found));
  }
  for (const ShapeEntries& input : inputs) {
    if (input.size() != 1 && input.size() != count) return std::nullopt;
  }
  if (inputs.size() != (op == "Where" ? 3 : 2)) return std::nullopt;
  ShapeEntries result;
  for (size_t i = 0; i < count; ++i) {
    const auto at = [&](size_t input) { return inputs[input][inputs[input].size() == 1 ? 0 : i]; };
    result.push_back(op == "Mul"     ? multiplied(at(0), at(1))
                     : op == "Equal" ? equal(at(0), at(1))
                                     : chosen(at(0), at(1), at(2)));
  }
  return result;
}

// A vector of known length of which nothing else is known still has its place among others.
std::optional<ShapeEntries> DimTracer::entries_or_unknown(ValueId value) const {
  auto known = entries(value);
  if (known || !value.valid() || !dims(value) || dims(value)->size() != 1) return known;
  const Dim& length = dims(value)->front();
  if (length.value.valid() || length.number > static_cast<int64_t>(limits::kTensorRank)) return std::nullopt;
  return ShapeEntries(static_cast<size_t>(length.number));
}

std::optional<ShapeEntries> DimTracer::traced_entries(const NodeInfo& node) const {
  const std::string& op = node.proto->op_type();
  if (op == "Shape") return shape_entries(node);
  if (node.inputs.empty()) return std::nullopt;
  if (op == "Gather") return picked_entries(node);
  if (op == "Mul" || op == "Equal" || op == "Where") return computed_entries(node);
  if (op == "Concat") {
    ShapeEntries result;
    for (const ValueId input : node.inputs) {
      const auto part = entries_or_unknown(input);
      if (!part || result.size() + part->size() > limits::kTensorRank) return std::nullopt;
      result.insert(result.end(), part->begin(), part->end());
    }
    return result;
  }
  if (op == "ConstantOfShape") {
    const auto count = numbers(node, "", 0);
    const onnx::AttributeProto* value = find_attribute(*node.proto, "value", onnx::AttributeProto::TENSOR);
    if (!count || count->size() != 1 || (*count)[0] < 1 || (*count)[0] > static_cast<int64_t>(limits::kTensorRank) ||
        value == nullptr) {
      return std::nullopt;
    }
    const auto fill = only_int64(value->t());
    return fill ? std::optional(ShapeEntries(static_cast<size_t>((*count)[0]), known_dim(*fill))) : std::nullopt;
  }
  // Unsqueeze makes a vector of a scalar; of a vector it would make a matrix, of which nothing is told.
  if (op != "Unsqueeze" && op != "Squeeze" && op != "Cast" && op != "Identity" && op != "Reshape") return std::nullopt;
  const auto data = entries(node.inputs[0]);
  if (op == "Reshape") {
    const auto target = node.inputs.size() == 2 ? entries(node.inputs[1]) : std::nullopt;
    if (!target || target->size() != 1) return std::nullopt;  // flat stays flat
  }
  return data && (op != "Unsqueeze" || data->size() == 1) ? data : std::nullopt;
}

}  // namespace vetquant
