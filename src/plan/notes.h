// What a reader of the plan should know beside the decisions themselves.
#pragma once

#include "survey.h"

namespace vetquant::plan {

void add_notes(const GraphIndex& index, const TargetProfile& target, Plan& plan);

}  // namespace vetquant::plan
