// From decided sites to the plan's tensors, nodes and kept weights.
#pragma once

#include <vector>

#include "conflicts.h"

namespace vetquant::plan {

void assemble(const FormContext& context, const std::vector<Choice>& choices, const std::vector<Group>& groups,
              Plan& plan);

}  // namespace vetquant::plan
