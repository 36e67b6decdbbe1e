#include "constant_steps.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string_view>

#include "attributes.h"
#include "load_limits.h"
#include "vetquant/core/checked.h"
#include "vetquant/model/graph_index.h"

namespace vetquant {

namespace {

using Inputs = std::vector<const TensorView*>;
using MaybeView = std::optional<TensorView>;
using MaybeInts = std::optional<std::vector<int64_t>>;

int64_t rank_of(const TensorView& view) { return static_cast<int64_t>(view.shape().size()); }

// A small constant of integers; nullopt where it is none.
MaybeInts read_ints(const Inputs& inputs, size_t at) {
  if (at >= inputs.size() || inputs[at] == nullptr) return std::nullopt;
  const TensorView& view = *inputs[at];
  if (view.dtype() != DType::kInt64 && view.dtype() != DType::kInt32) return std::nullopt;
  if (view.elements() > limits::kTensorRank) return std::nullopt;
  std::vector<int64_t> values(view.elements());
  read_int64s(view, Box::whole(view), values);
  return values;
}

bool has_input(const onnx::NodeProto& node, int at) { return node.input_size() > at && !node.input(at).empty(); }

// The attribute of old opsets or the input of new ones; an empty list where both are missing.
MaybeInts ints_of(const onnx::NodeProto& node, const Inputs& inputs, std::string_view attribute, int input) {
  if (has_input(node, input)) return read_ints(inputs, static_cast<size_t>(input));
  return ints_attribute(node, attribute);
}

// Axes in [0, rank), without repetition.
bool normalise_axes(std::vector<int64_t>& axes, int64_t rank) {
  for (int64_t& axis : axes) {
    if (axis < -rank || axis >= rank) return false;
    if (axis < 0) axis += rank;
  }
  std::vector<int64_t> sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

MaybeView identity(const onnx::NodeProto&, const Inputs& inputs) { return *inputs[0]; }

MaybeView transpose(const onnx::NodeProto& node, const Inputs& inputs) {
  std::vector<int64_t> perm = ints_attribute(node, "perm");
  const int64_t rank = rank_of(*inputs[0]);
  if (perm.empty()) {
    perm.resize(static_cast<size_t>(rank));
    std::iota(perm.rbegin(), perm.rend(), 0);
  }
  if (static_cast<int64_t>(perm.size()) != rank || !normalise_axes(perm, rank)) return std::nullopt;
  return inputs[0]->transposed(perm);
}

MaybeView reshape(const onnx::NodeProto& node, const Inputs& inputs) {
  auto target = ints_of(node, inputs, "shape", 1);
  if (!target || (target->empty() && !has_input(node, 1) && inputs[0]->elements() != 1)) return std::nullopt;
  const Shape& shape = inputs[0]->shape();
  const bool zero_is_zero = int_attribute(node, "allowzero", 0) != 0;
  int64_t* open = nullptr;
  uint64_t known = 1;
  for (size_t d = 0; d < target->size(); ++d) {
    int64_t& dim = (*target)[d];
    if (dim == 0 && !zero_is_zero) {
      if (d >= shape.size()) return std::nullopt;
      dim = shape[d];
    }
    if (dim == -1) {
      if (open != nullptr) return std::nullopt;
      open = &dim;
      continue;
    }
    const auto product = dim < 0 ? std::nullopt : checked_mul(known, static_cast<uint64_t>(dim));
    if (!product) return std::nullopt;
    known = *product;
  }
  if (open != nullptr) {
    if (known == 0) return std::nullopt;
    *open = static_cast<int64_t>(inputs[0]->elements() / known);
  }
  return inputs[0]->reshaped(*target);
}

MaybeView squeeze(const onnx::NodeProto& node, const Inputs& inputs) {
  auto axes = ints_of(node, inputs, "axes", 1);
  if (!axes || !normalise_axes(*axes, rank_of(*inputs[0]))) return std::nullopt;
  Shape shape;
  for (size_t d = 0; d < inputs[0]->shape().size(); ++d) {
    const int64_t dim = inputs[0]->shape()[d];
    const bool named = std::find(axes->begin(), axes->end(), static_cast<int64_t>(d)) != axes->end();
    if (named && dim != 1) return std::nullopt;
    if (!named && (dim != 1 || !axes->empty())) shape.push_back(dim);
  }
  return inputs[0]->reshaped(shape);
}

MaybeView unsqueeze(const onnx::NodeProto& node, const Inputs& inputs) {
  auto axes = ints_of(node, inputs, "axes", 1);
  if (!axes || axes->empty()) return std::nullopt;
  const int64_t rank = rank_of(*inputs[0]) + static_cast<int64_t>(axes->size());
  if (!normalise_axes(*axes, rank)) return std::nullopt;
  Shape shape(static_cast<size_t>(rank), 0);
  for (int64_t axis : *axes) shape[static_cast<size_t>(axis)] = -1;
  size_t next = 0;
  for (int64_t& dim : shape) dim = dim == -1 ? 1 : inputs[0]->shape()[next++];
  return inputs[0]->reshaped(shape);
}

MaybeView flatten(const onnx::NodeProto& node, const Inputs& inputs) {
  int64_t axis = int_attribute(node, "axis", 1);
  const int64_t rank = rank_of(*inputs[0]);
  if (axis < -rank || axis > rank) return std::nullopt;
  if (axis < 0) axis += rank;
  const std::span<const int64_t> dims(inputs[0]->shape());
  const auto outer = checked_elements(dims.first(static_cast<size_t>(axis)));
  const auto inner = checked_elements(dims.subspan(static_cast<size_t>(axis)));
  if (!outer || !inner) return std::nullopt;
  return inputs[0]->reshaped({static_cast<int64_t>(*outer), static_cast<int64_t>(*inner)});
}

// One axis of Slice, clamped as the operator's definition says.
MaybeView slice_axis(const TensorView& view, int64_t axis, int64_t start, int64_t end, int64_t step) {
  const int64_t dim = view.shape()[static_cast<size_t>(axis)];
  if (step == 0) return std::nullopt;
  const auto from_end = [&](int64_t at) { return at < 0 ? at + dim : at; };  // at < 0: no overflow
  start = from_end(start);
  end = from_end(end);
  uint64_t count = 0;
  if (step > 0) {
    start = std::clamp<int64_t>(start, 0, dim);
    end = std::clamp<int64_t>(end, 0, dim);
    if (end > start) count = static_cast<uint64_t>(end - start - 1) / static_cast<uint64_t>(step) + 1;
  } else {
    start = std::clamp<int64_t>(start, -1, dim - 1);
    end = std::clamp<int64_t>(end, -1, dim - 1);
    const uint64_t width = 0 - static_cast<uint64_t>(step);  // also of the least integer
    if (start > end) count = static_cast<uint64_t>(start - end - 1) / width + 1;
  }
  return view.sliced(axis, start, step, static_cast<int64_t>(count));
}

MaybeView slice(const onnx::NodeProto& node, const Inputs& inputs) {
  const auto starts = ints_of(node, inputs, "starts", 1), ends = ints_of(node, inputs, "ends", 2);
  auto axes = ints_of(node, inputs, "axes", 3);
  auto steps = ints_of(node, inputs, "steps", 4);
  if (!starts || !ends || !axes || !steps || starts->size() != ends->size()) return std::nullopt;
  if (axes->empty()) {
    axes->resize(starts->size());
    std::iota(axes->begin(), axes->end(), 0);
  }
  if (steps->empty()) steps->assign(starts->size(), 1);
  if (axes->size() != starts->size() || steps->size() != starts->size()) return std::nullopt;
  if (!normalise_axes(*axes, rank_of(*inputs[0]))) return std::nullopt;
  MaybeView view = *inputs[0];
  for (size_t i = 0; view && i < starts->size(); ++i) {
    view = slice_axis(*view, (*axes)[i], (*starts)[i], (*ends)[i], (*steps)[i]);
  }
  return view;
}

MaybeView concat(const onnx::NodeProto& node, const Inputs& inputs) {
  std::vector<TensorView> parts;
  uint64_t pieces = 0;
  for (const TensorView* input : inputs) {
    if (input == nullptr || input->shape().size() != inputs[0]->shape().size()) return std::nullopt;
    pieces += input->pieces().size();
    if (pieces > limits::kViewPieces) return std::nullopt;
    parts.push_back(*input);
  }
  std::vector<int64_t> axis{int_attribute(node, "axis", 1)};
  if (!normalise_axes(axis, rank_of(*inputs[0]))) return std::nullopt;
  return TensorView::concatenated(parts, axis[0]);
}

// A view remembers one rounding, so a type that rounds may not have been rounded to before.
MaybeView cast(const onnx::NodeProto& node, const Inputs& inputs) {
  const auto to = static_cast<DType>(int_attribute(node, "to", 0));
  const TensorView& view = *inputs[0];
  if (to == view.dtype()) return view;
  if (!is_float(to) || !is_float(view.dtype())) return std::nullopt;
  const bool untouched = std::all_of(view.pieces().begin(), view.pieces().end(),
                                     [&](const Piece& piece) { return piece.stored->dtype == view.dtype(); });
  return untouched ? MaybeView(view.cast(to)) : std::nullopt;
}

struct Step {
  std::string_view op;
  MaybeView (*apply)(const onnx::NodeProto&, const Inputs&);
};

constexpr Step kSteps[] = {
    {"Cast", cast},   {"Concat", concat},   {"Flatten", flatten},     {"Identity", identity},   {"Reshape", reshape},
    {"Slice", slice}, {"Squeeze", squeeze}, {"Transpose", transpose}, {"Unsqueeze", unsqueeze},
};

}  // namespace

bool all_inputs_are_data(const onnx::NodeProto& node) { return node.op_type() == "Concat"; }

std::optional<TensorView> apply_constant_step(const onnx::NodeProto& node,
                                              const std::vector<const TensorView*>& inputs) {
  if (!normal_domain(node.domain()).empty() || node.output_size() != 1) return std::nullopt;
  if (inputs.empty() || inputs[0] == nullptr) return std::nullopt;
  for (const auto& attribute : node.attribute()) {
    if (!attribute.ref_attr_name().empty()) return std::nullopt;  // known only where the function is called
  }
  for (const Step& step : kSteps) {
    if (step.op != node.op_type()) continue;
    auto view = step.apply(node, inputs);
    if (view && view->shape().size() > limits::kTensorRank) return std::nullopt;
    return view;
  }
  return std::nullopt;
}

}  // namespace vetquant
