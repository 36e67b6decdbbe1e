// Which dimensions are equal whatever the model is fed with: each unknown dimension is traced to where it first appears,
// through the operators that carry dimensions on, and through the arithmetic on shapes (Shape, Gather, Unsqueeze,
// Concat, ...) that exporters write before every Reshape. One pass over the nodes; weights are not read, only the small
// integer constants that say axes and shapes.
//
// Two inputs of the main graph that name a dimension alike ("batch_size") have it in common (ONNX IR, "Static tensor
// shapes": a dim_param stands for one value in the whole graph).
#pragma once

#include <optional>
#include <vector>

#include "vetquant/model/graph_index.h"

namespace vetquant {

struct Dim {
  int64_t number = -1;  // >= 0: known; else dimension `axis` of `value`, where it first appears
  ValueId value;
  int axis = -1;
  bool operator==(const Dim&) const = default;
};
inline Dim known_dim(int64_t number) { return {number, {}, -1}; }
using Dims = std::vector<Dim>;
using ShapeEntries =
    std::vector<std::optional<Dim>>;  // of an integer tensor: nullopt where nothing is known; -1 as number

class DimTracer {
 public:
  DimTracer(const GraphIndex& index, const ConstantFinder& constants);

  // nullopt where not even the rank is known.
  const std::optional<Dims>& dims(ValueId value) const { return dims_[static_cast<size_t>(value.value)]; }
  // The entries of a scalar or one-dimensional integer tensor that is a constant or computed from shapes. A constant entry
  // is a Dim with that number, which may be negative (and then has no value).
  std::optional<ShapeEntries> entries(ValueId value) const;

 private:
  void trace(const NodeInfo& node);
  std::optional<ShapeEntries> traced_entries(const NodeInfo& node) const;
  std::optional<Dims> traced_dims(const NodeInfo& node) const;
  std::optional<ShapeEntries> entries_or_unknown(ValueId value) const;
  std::optional<ShapeEntries> computed_entries(const NodeInfo& node) const;
  std::optional<ShapeEntries> shape_entries(const NodeInfo& node) const;
  std::optional<ShapeEntries> picked_entries(const NodeInfo& node) const;
  Dims broadcast(const NodeInfo& node, const std::vector<Dims>& inputs) const;
  std::optional<Dims> broadcast(const NodeInfo& node) const;
  std::optional<Dims> expanded(const NodeInfo& node) const;
  std::optional<Dims> tiled(const NodeInfo& node) const;
  std::optional<Dims> sliced(const NodeInfo& node) const;
  std::optional<Dims> unsqueezed(const NodeInfo& node) const;
  std::optional<Dims> counted(const NodeInfo& node) const;
  std::optional<Dims> product(const NodeInfo& node) const;
  std::optional<Dims> moved(const NodeInfo& node) const;
  std::optional<Dims> reshaped(const NodeInfo& node) const;
  std::optional<std::vector<int64_t>> numbers(const NodeInfo& node, const char* attribute, size_t input) const;
  const std::optional<Dims>& input_dims(const NodeInfo& node, size_t input) const;

  const GraphIndex& index_;
  const ConstantFinder& constants_;
  std::vector<std::optional<Dims>> dims_;             // by ValueId
  std::vector<std::optional<ShapeEntries>> entries_;  // of node outputs, by ValueId
};

}  // namespace vetquant
