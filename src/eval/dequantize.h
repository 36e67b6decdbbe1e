// The values that stored codes stand for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vetquant/model/graph_index.h"

namespace vetquant {

struct StoredWeight {
  Shape shape;                // of `values`; the blocks of a row are joined
  std::vector<float> values;  // row-major
  std::string form;
};

// What belongs to one tensor of codes in a quantized model.
struct CodeParts {
  ValueId codes, scale, zero_point;  // zero_point may be invalid
};

class Dequantizer {
 public:
  Dequantizer(const GraphIndex& index, const ConstantFinder& constants) : index_(index), constants_(constants) {}
  // `columns`: the float weight's dimensions, of which one is the length of a row that blocks may have padded.
  // nullopt where the layout is not one of ours.
  std::optional<StoredWeight> values_of(const CodeParts& parts, const Shape& weight) const;

 private:
  const NodeInfo* user_of(ValueId value, const char* op) const;  // directly, or behind Reshape
  std::optional<StoredWeight> by_rows(const CodeParts& parts, const NodeInfo& user, const Shape& weight) const;
  std::optional<StoredWeight> by_broadcast(const CodeParts& parts, const Shape& weight) const;
  std::vector<float> floats_of(ValueId value) const;
  std::vector<float> scales_of(ValueId value) const;  // from their grid where they are stored as its codes
  const GraphIndex& index_;
  const ConstantFinder& constants_;
};

}  // namespace vetquant
