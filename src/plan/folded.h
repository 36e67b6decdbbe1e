// Which nodes are gone when a runtime has loaded the model: constant folding and the removal of Identity come before a provider
// is asked (onnxruntime/core/optimizer/constant_folding.cc). Scales beside codes stay: DequantizeLinear is not folded.
#pragma once

#include <set>
#include <vector>

#include "vetquant/model/graph_index.h"

namespace vetquant::plan {

std::set<NodeId> folded_at_load(const GraphIndex& index, const ConstantFinder& constants,
                                const std::vector<ValueType>& types);

}  // namespace vetquant::plan
