// What ONNX's shape inference would have to do for a model. It expands every call of a local function and copies every
// list of integers, so a file of a few kilobytes could keep it busy for years: "F1 calls F0 twice, F2 calls F1 twice,
// ..."
#pragma once

#include <cstdint>

#include "vetquant/model/graph_index.h"

namespace vetquant {

struct InferenceLoad {
  uint64_t expanded_nodes = 0;  // with every function call expanded; saturates
  uint64_t call_depth = 0;      // functions inside functions
  uint64_t longest_list = 0;    // integers in the longest list that data propagation could build; saturates
};

InferenceLoad measure_inference(const GraphIndex& index);

}  // namespace vetquant
