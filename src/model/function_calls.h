// Which local functions call which.
#pragma once

#include <cstdint>
#include <vector>

#include "vetquant/model/graph_index.h"

namespace vetquant {

// Functions are numbered as in the model; a function that is called twice is listed twice.
struct FunctionCalls {
  std::vector<size_t> of_main;
  std::vector<std::vector<size_t>> of_function;
  std::vector<uint64_t> nodes_of_function;  // subgraphs included
};

FunctionCalls function_calls(const GraphIndex& index);

}  // namespace vetquant
