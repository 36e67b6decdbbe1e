#include "vetquant/model/dim_tracer.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_map>

#include "attributes.h"

namespace vetquant {
namespace {

constexpr int64_t kOpsetOfBroadcasting = 7;  // before, operators had attributes for it

enum class Rule { kSame, kBroadcast, kProduct, kMoved, kReshape, kExpand, kTile, kSlice, kUnsqueeze, kRange };

// What becomes of the dimensions of the inputs; of the first output.
const std::unordered_map<std::string_view, Rule>& rules() {
  static const std::unordered_map<std::string_view, Rule> all = [] {
    std::unordered_map<std::string_view, Rule> made = {
        {"MatMul", Rule::kProduct},      {"Reshape", Rule::kReshape}, {"Transpose", Rule::kMoved},
        {"Concat", Rule::kMoved},        {"Gather", Rule::kMoved},    {"Expand", Rule::kExpand},
        {"Range", Rule::kRange},         {"Tile", Rule::kTile},       {"Slice", Rule::kSlice},
        {"Unsqueeze", Rule::kUnsqueeze},
    };
    for (const char* op : {"Abs",
                           "Cast",
                           "Ceil",
                           "Clip",
                           "Dropout",
                           "Elu",
                           "Erf",
                           "Exp",
                           "Floor",
                           "Gelu",
                           "HardSigmoid",
                           "HardSwish",
                           "Identity",
                           "IsNaN",
                           "LayerNormalization",
                           "LeakyRelu",
                           "Log",
                           "LogSoftmax",
                           "Neg",
                           "Not",
                           "Reciprocal",
                           "Relu",
                           "RMSNormalization",
                           "Round",
                           "Sigmoid",
                           "Softmax",
                           "Softplus",
                           "Sqrt",
                           "Tanh"}) {
      made.emplace(op, Rule::kSame);
    }
    for (const char* op : {"Add", "And", "Div", "Equal", "Greater", "Less", "LessOrEqual", "Max", "Min", "Mul", "Or",
                           "Pow", "Sub", "Where"}) {
      made.emplace(op, Rule::kBroadcast);
    }
    return made;
  }();
  return all;
}

std::optional<size_t> axis_in(int64_t axis, size_t rank) {
  const auto count = static_cast<int64_t>(rank);
  if (axis < -count || axis >= count) return std::nullopt;
  return static_cast<size_t>(axis < 0 ? axis + count : axis);
}

Dim own_dim(const NodeInfo& node, size_t axis) { return Dim{-1, node.outputs[0], static_cast<int>(axis)}; }

// The -1 of a Reshape: what is left of `data` after the other entries have taken theirs.
std::optional<Dim> rest(Dims data, const ShapeEntries& entries, size_t open) {
  int64_t data_numbers = 1, entry_numbers = 1;
  const auto times = [](int64_t& product, int64_t factor) {
    return factor > 0 && !__builtin_mul_overflow(product, factor, &product);
  };
  for (size_t k = 0; k < entries.size(); ++k) {
    if (k == open) continue;
    if (!entries[k]) return std::nullopt;
    if (!entries[k]->value.valid()) {
      if (!times(entry_numbers, entries[k]->number)) return std::nullopt;
      continue;
    }
    const auto taken = std::find(data.begin(), data.end(), *entries[k]);
    if (taken == data.end()) return std::nullopt;
    data.erase(taken);
  }
  std::optional<Dim> left;
  for (const Dim& dim : data) {
    if (!dim.value.valid()) {
      if (!times(data_numbers, dim.number)) return std::nullopt;
    } else if (left) {
      return std::nullopt;
    } else {
      left = dim;
    }
  }
  if (left) return data_numbers == entry_numbers ? left : std::nullopt;
  if (data_numbers % entry_numbers != 0) return std::nullopt;
  return known_dim(data_numbers / entry_numbers);
}

}  // namespace

DimTracer::DimTracer(const GraphIndex& index, const ConstantFinder& constants)
    : index_(index), constants_(constants), dims_(index.values().size()), entries_(index.values().size()) {
  const std::vector<ValueType>& types = infer_types_from_inputs(index);
  std::map<std::string, Dim> named;  // dimensions of the main graph's inputs
  for (size_t v = 0; v < types.size(); ++v) {
    if (!types[v].has_shape) continue;
    const ValueId id{static_cast<int32_t>(v)};
    const bool is_input = index.value(id).kind == ValueKind::kInput && index.value(id).scope == ScopeId{0};
    Dims& dims = dims_[v].emplace();
    for (size_t d = 0; d < types[v].shape.size(); ++d) {
      const Dim own{types[v].shape[d], types[v].shape[d] < 0 ? id : ValueId{},
                    types[v].shape[d] < 0 ? static_cast<int>(d) : -1};
      const std::string& symbol = types[v].symbols[d];
      dims.push_back(is_input && own.number < 0 && !symbol.empty() ? named.emplace(symbol, own).first->second : own);
    }
  }
  for (const NodeInfo& node : index.nodes()) trace(node);
}

void DimTracer::trace(const NodeInfo& node) {
  if (node.outputs.empty() || !node.outputs[0].valid() || !normal_domain(node.proto->domain()).empty()) return;
  if (index_.opset(node.scope, "") < kOpsetOfBroadcasting) return;
  const size_t out = static_cast<size_t>(node.outputs[0].value);
  entries_[out] = traced_entries(node);
  std::optional<Dims> traced = traced_dims(node);
  if (!traced) return;
  std::optional<Dims>& dims = dims_[out];
  if (dims && dims->size() != traced->size()) return;  // the two contradict each other: trust neither
  if (!dims) {
    dims = std::move(traced);
    return;
  }
  for (size_t d = 0; d < dims->size(); ++d) {
    if ((*dims)[d].value.valid()) (*dims)[d] = (*traced)[d];
  }
}

const std::optional<Dims>& DimTracer::input_dims(const NodeInfo& node, size_t input) const {
  static const std::optional<Dims> none;
  return input < node.inputs.size() && node.inputs[input].valid() ? dims(node.inputs[input]) : none;
}

std::optional<Dims> DimTracer::traced_dims(const NodeInfo& node) const {
  const auto rule = rules().find(node.proto->op_type());
  if (rule == rules().end()) return std::nullopt;
  switch (rule->second) {
    case Rule::kSame:
      return input_dims(node, 0);
    case Rule::kBroadcast:
      return broadcast(node);
    case Rule::kProduct:
      return product(node);
    case Rule::kMoved:
      return moved(node);
    case Rule::kReshape:
      return reshaped(node);
    case Rule::kExpand:
      return expanded(node);
    case Rule::kTile:
      return tiled(node);
    case Rule::kSlice:
      return sliced(node);
    case Rule::kUnsqueeze:
      return unsqueezed(node);
    case Rule::kRange:
      return counted(node);
  }
  return std::nullopt;
}

// A dimension that may be 1 at run time equals the result's only where no other one competes.
Dims DimTracer::broadcast(const NodeInfo& node, const std::vector<Dims>& inputs) const {
  size_t rank = 0;
  for (const Dims& input : inputs) rank = std::max(rank, input.size());
  Dims result;
  for (size_t d = 0; d < rank; ++d) {
    Dim dim = known_dim(1);
    for (const Dims& input : inputs) {
      const size_t missing = rank - input.size();
      if (d < missing || input[d - missing] == known_dim(1) || input[d - missing] == dim) continue;
      const Dim& other = input[d - missing];
      if (!other.value.valid()) {
        dim = other;  // a number above 1 is the result
        break;
      }
      dim = dim == known_dim(1) ? other : own_dim(node, d);
    }
    result.push_back(dim);
  }
  return result;
}

std::optional<Dims> DimTracer::broadcast(const NodeInfo& node) const {
  std::vector<Dims> inputs;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (!input_dims(node, i)) return std::nullopt;
    inputs.push_back(*input_dims(node, i));
  }
  return broadcast(node, inputs);
}

std::optional<Dims> DimTracer::expanded(const NodeInfo& node) const {
  const std::optional<Dims>& data = input_dims(node, 0);
  const auto target = node.inputs.size() < 2 ? std::nullopt : entries(node.inputs[1]);
  if (!data || !target) return std::nullopt;
  Dims wanted;
  for (size_t d = 0; d < target->size(); ++d) wanted.push_back((*target)[d].value_or(own_dim(node, d)));
  return broadcast(node, {*data, wanted});
}

std::optional<Dims> DimTracer::tiled(const NodeInfo& node) const {
  const std::optional<Dims>& data = input_dims(node, 0);
  const auto repeats = node.inputs.size() < 2 ? std::nullopt : entries(node.inputs[1]);
  if (!data || !repeats || data->size() != repeats->size()) return std::nullopt;
  Dims result;
  for (size_t d = 0; d < data->size(); ++d) {
    const std::optional<Dim>& times = (*repeats)[d];
    result.push_back(times == known_dim(1)                 ? (*data)[d]
                     : (*data)[d] == known_dim(1) && times ? *times
                                                           : own_dim(node, d));
  }
  return result;
}

std::optional<Dims> DimTracer::sliced(const NodeInfo& node) const {
  const std::optional<Dims>& data = input_dims(node, 0);
  const bool as_inputs = node.inputs.size() > 1;  // from opset 10
  const auto axes = !as_inputs || node.inputs.size() > 3 ? numbers(node, "axes", 3) : std::nullopt;
  if (!data || !axes || axes->empty()) return std::nullopt;
  Dims result = *data;
  for (const int64_t axis : *axes) {
    const auto at = axis_in(axis, data->size());
    if (!at) return std::nullopt;
    result[*at] = own_dim(node, *at);
  }
  return result;
}

std::optional<Dims> DimTracer::unsqueezed(const NodeInfo& node) const {
  const std::optional<Dims>& data = input_dims(node, 0);
  const auto axes = numbers(node, "axes", 1);
  if (!data || !axes) return std::nullopt;
  const size_t rank = data->size() + axes->size();
  std::vector<bool> is_new(rank);
  for (const int64_t axis : *axes) {
    const auto at = axis_in(axis, rank);
    if (!at || is_new[*at]) return std::nullopt;
    is_new[*at] = true;
  }
  Dims result;
  auto from = data->begin();
  for (size_t d = 0; d < rank; ++d) result.push_back(is_new[d] ? known_dim(1) : *from++);
  return result;
}

// Range(0, n) and Range(a, a + n) count to n.
std::optional<Dims> DimTracer::counted(const NodeInfo& node) const {
  const auto single = [&](ValueId value) {
    const auto found = entries(value);
    return found && found->size() == 1 ? (*found)[0] : std::nullopt;
  };
  if (node.inputs.size() != 3 || single(node.inputs[2]) != known_dim(1)) return std::nullopt;
  const ValueId start = node.inputs[0], end = node.inputs[1];
  const auto is_dim = [](const std::optional<Dim>& dim) { return dim && (dim->value.valid() || dim->number >= 0); };
  if (single(start) == known_dim(0) && is_dim(single(end))) return Dims{*single(end)};
  const NodeId producer = end.valid() ? index_.value(end).producer : NodeId{};
  if (!producer.valid() || index_.node(producer).proto->op_type() != "Add") return std::nullopt;
  const std::vector<ValueId>& terms = index_.node(producer).inputs;
  for (size_t t = 0; t < 2 && terms.size() == 2; ++t) {
    const bool is_start = terms[t] == start || (single(start) && single(terms[t]) == single(start));
    if (is_start && is_dim(single(terms[1 - t]))) return Dims{*single(terms[1 - t])};
  }
  return std::nullopt;
}

std::optional<Dims> DimTracer::product(const NodeInfo& node) const {
  const std::optional<Dims>&a = input_dims(node, 0), &b = input_dims(node, 1);
  if (!a || !b || a->size() < 2 || b->size() < 2) return std::nullopt;
  const size_t rank = std::max(a->size(), b->size());
  Dims result;
  for (size_t d = 0; d + 2 < rank; ++d) {
    const size_t no_a = rank - a->size(), no_b = rank - b->size();
    const Dim one = known_dim(1), of_a = d < no_a ? one : (*a)[d - no_a], of_b = d < no_b ? one : (*b)[d - no_b];
    const bool alike = of_a == of_b || of_b == one;
    result.push_back(alike ? of_a : of_a == one ? of_b : own_dim(node, d));
  }
  result.push_back((*a)[a->size() - 2]);
  result.push_back(b->back());
  return result;
}

std::optional<Dims> DimTracer::moved(const NodeInfo& node) const {
  const std::optional<Dims>& data = input_dims(node, 0);
  if (!data) return std::nullopt;
  const std::string& op = node.proto->op_type();
  Dims result;
  if (op == "Transpose") {
    std::vector<int64_t> perm = ints_attribute(*node.proto, "perm");
    for (size_t d = 0; perm.size() < data->size() && d < data->size(); ++d) {
      perm.push_back(static_cast<int64_t>(data->size() - 1 - d));
    }
    for (const int64_t from : perm) {
      const auto axis = axis_in(from, data->size());
      if (!axis) return std::nullopt;
      result.push_back((*data)[*axis]);
    }
    return result;
  }
  const auto axis = axis_in(int_attribute(*node.proto, "axis", 0), data->size());
  if (!axis) return std::nullopt;
  result = *data;
  if (op == "Concat") {
    result[*axis] = own_dim(node, *axis);
    return result;
  }
  const std::optional<Dims>& ids = input_dims(node, 1);  // Gather
  if (!ids) return std::nullopt;
  result.erase(result.begin() + static_cast<std::ptrdiff_t>(*axis));
  result.insert(result.begin() + static_cast<std::ptrdiff_t>(*axis), ids->begin(), ids->end());
  return result;
}

std::optional<Dims> DimTracer::reshaped(const NodeInfo& node) const {
  if (node.inputs.size() < 2 || !node.inputs[1].valid() || int_attribute(*node.proto, "allowzero", 0) != 0) {
    return std::nullopt;
  }
  std::optional<ShapeEntries> target = entries(node.inputs[1]);
  const std::optional<Dims>& data = input_dims(node, 0);
  if (!target) return std::nullopt;
  Dims result;
  std::optional<size_t> open;
  for (size_t d = 0; d < target->size(); ++d) {
    std::optional<Dim>& entry = (*target)[d];
    if (entry == known_dim(0)) entry = data && d < data->size() ? std::optional(data->at(d)) : std::nullopt;
    if (entry == known_dim(-1)) open = d;
    result.push_back(entry && entry != known_dim(-1) ? *entry : own_dim(node, d));
  }
  if (open && data) {
    if (const auto dim = rest(*data, *target, *open)) result[*open] = *dim;
  }
  return result;
}

}  // namespace vetquant
