// Tensors that are one and the same: a table that is looked up and (transposed) multiplied with, or copies of it that an
// exporter wrote twice. Copies are sampled equal here (a few hundred values), and proven equal while quantizing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vetquant/model/graph_index.h"

namespace vetquant {

struct TiedCopy {
  std::string name;  // address of the weight
  Shape shape;       // as its first reader sees it
  uint64_t bytes = 0;
  std::vector<std::string> nodes;  // addresses of its readers
};

struct TiedTensor {
  std::vector<TiedCopy> copies;  // one: a tensor shared by look-up and product
  bool looked_up = false;        // by Gather along axis 0
  bool multiplied = false;       // by MatMul or Gemm
};

// In the order of first use.
std::vector<TiedTensor> find_ties(const GraphIndex& index, const ConstantFinder& constants);

}  // namespace vetquant
