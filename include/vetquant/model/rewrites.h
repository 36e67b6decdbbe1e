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

}  // namespace vetquant
