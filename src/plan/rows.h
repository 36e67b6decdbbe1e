// How many rows of activations a product sees: the product of all dims but the last of its activation.
#pragma once

#include <string>

#include "site.h"

namespace vetquant::plan {

struct Rows {
  int64_t count = -1;     // -1: nothing known
  bool at_least = false;  // unknown dims were taken as 1
  bool unknown() const { return count < 0 || (at_least && count <= 1); }
};

Rows rows_at(const GraphIndex& index, const std::vector<ValueType>& types, const Site& site);
std::string to_string(const Rows& rows);  // "1500 rows", "at least 1500 rows (unknown dims assumed 1)", "unknown rows"

}  // namespace vetquant::plan
