// Which inputs leave dimensions open, for accelerators that want numbers.
#pragma once

#include <string>
#include <vector>

#include "vetquant/model/graph_index.h"

namespace vetquant::plan {

// Is a dimension from `first_axis` on no number?
bool is_open(const ValueType& type, size_t first_axis = 0);

// "--shape sound=1xlengthx80" for each input of the main graph that is open; "" where none is.
std::string shape_options(const GraphIndex& index, const std::vector<ValueType>& types, size_t first_axis = 0);

}  // namespace vetquant::plan
