// Rewrites the graph as the plan says. One file per output form (src/emit/<form>.cpp) behind one table.
#pragma once

#include <map>
#include <string>

#include "vetquant/emit/emitted.h"
#include "vetquant/plan/plan.h"

namespace vetquant {

// metadata: entries for ModelProto.metadata_props ("vetquant.version", "vetquant.policy", ...); existing ones are kept.
// Errors: kUnsupported (a form cannot be expressed at this opset), kInternal (the result is not a valid graph).
Emitted emit(const Model& model, const GraphIndex& index, const ConstantFinder& constants, const Plan& plan,
             const TargetProfile& target, const std::map<std::string, std::string>& metadata);

}  // namespace vetquant
