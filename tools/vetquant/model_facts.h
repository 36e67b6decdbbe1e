// What is in a model, for `inspect`: counted from the skeleton; no weight is read but the few samples that ties need.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "vetquant/core/dtype.h"
#include "vetquant/model/graph_index.h"
#include "vetquant/model/model.h"
#include "vetquant/plan/ties.h"

namespace vetquant::cli {

struct WeightFact {
  std::string address;
  DType dtype = DType::kUndefined;
  Shape shape;
  uint64_t elements = 0, bytes = 0;
  std::string user_op, user;  // the node that reads it, behind constant chains; empty where none does
  size_t users = 0;
};

struct ScopeFact {
  std::string path, kind;  // "/decide/then_branch", "subgraph"
  size_t nodes = 0;
};

struct ModelFacts {
  std::vector<std::pair<std::string, uint64_t>> external_files;  // name, bytes of the whole file
  std::string producer;
  std::vector<std::pair<std::string, int64_t>> opsets;    // "ai.onnx" first
  std::vector<ScopeFact> scopes;                          // main first
  std::vector<std::pair<std::string, size_t>> operators;  // most frequent first
  std::vector<WeightFact> weights;                        // largest first; initializers and Constants
  std::vector<TiedTensor> ties;
  std::vector<std::string> overridable, sparse;  // addresses
  std::vector<std::pair<std::string, size_t>> quantized_operators;
  std::vector<std::string> unknown_domains;
};

ModelFacts facts_of(const Model& model, const GraphIndex& index, const ConstantFinder& constants);

}  // namespace vetquant::cli
