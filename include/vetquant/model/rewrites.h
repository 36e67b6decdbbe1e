// Rewrites of a float model that come before planning, where a form wants them. The result is a model in its own right, over
// the same files: weights that change are computed as they are read.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "vetquant/model/graph_index.h"
#include "vetquant/model/model.h"

namespace vetquant {

struct Rewritten {
  std::shared_ptr<const Model> model;  // the one given where there is nothing to do
  std::vector<std::string> steps;      // what was done, for the plan
};

// BatchNormalization that alone reads a Conv, ConvTranspose (of one group) or Gemm with constant weights becomes part of it
// (Jacob et al. 2018, section 3.2), in the main graph:
//   W' = W * s,  b' = (b - mean) * s + beta,  s = scale / sqrt(variance + epsilon), per output channel, computed in double.
// The node's output takes the normalisation's name. Reads the small vectors; weights are scaled when they are read.
Rewritten fold_batch_normalizations(std::shared_ptr<const Model> model, OverridableValues overridable);

// The model at a higher opset of the standard domain, by ONNX's own converter. Error{kUnsupported}: local functions, which the
// converter drops; an operator that it cannot convert; a value that it renamed.
Rewritten raise_opset(std::shared_ptr<const Model> model, int64_t opset);

// What `--shape` says, by input: a binding's name may be an input's, or that of an open dimension that the inputs name ("batch",
// one number). -1 where nothing is said. Error{kUsage}: no such input or dimension, another rank or number than the model
// says, two bindings that contradict each other.
std::vector<ShapeBinding> resolved_shapes(const GraphIndex& index, const std::vector<ShapeBinding>& bindings);

// The model for inputs of these shapes: dimensions of the same name become the same number throughout the main graph, shapes
// noted for other runs are forgotten, outputs get what shape inference finds, and integers that are computed from shapes
// (Shape -> Gather -> Concat, in front of Reshape) become constants, as far as DimTracer sees through them.
// Errors of resolved_shapes.
Rewritten fix_shapes(std::shared_ptr<const Model> model, const std::vector<ShapeBinding>& bindings);

// Types as a runtime knows them when it has loaded the model: those of infer_types, those that follow once integers computed
// from fixed shapes are constants, and those past com.microsoft's QuantizeLinear and DequantizeLinear. Indexed by ValueId::value
// of `index`, which is the model's.
std::vector<ValueType> runtime_types(const Model& model, const GraphIndex& index);

}  // namespace vetquant
