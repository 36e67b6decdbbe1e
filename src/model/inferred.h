// What shape inference found for an index, kept with it.
#pragma once

#include <mutex>
#include <vector>

#include "vetquant/model/graph_index.h"

namespace vetquant {

struct GraphIndex::Inferred {
  std::once_flag once;
  std::vector<ValueType> types;
  std::once_flag once_from_inputs;
  std::vector<ValueType> types_from_inputs;
};

}  // namespace vetquant
