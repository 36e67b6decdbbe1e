// Nodes that compute in fp16 although they hold no weight: the region between fp16 weights stays fp16.
#pragma once

#include <vector>

#include "decide.h"

namespace vetquant::plan {

std::vector<PlannedNode> half_nodes_without_weights(const Decider& decider, const ConstantFinder& constants);

}  // namespace vetquant::plan
