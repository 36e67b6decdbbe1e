// `between: [from, to]`: the nodes on a path from one value to another, both of one scope.
#pragma once

#include <vector>

#include "vetquant/model/graph_index.h"
#include "vetquant/policy/policy.h"

namespace vetquant::plan {

using NodeSet = std::vector<bool>;  // by NodeId::value

// Nodes inside the subgraphs of a node on the path count too. Inherited rules whose values the model lacks give an empty
// set; own ones Error{kUsage} with the nearest known address.
NodeSet nodes_between(const GraphIndex& index, const Rule& rule);

}  // namespace vetquant::plan
