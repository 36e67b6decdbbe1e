// Rules that decide nothing: a typo, a shadowed rule, or one whose nodes hold no weights.
#pragma once

#include "decide.h"

namespace vetquant::plan {

// Error{kUsage} at the position of an own rule that matches nothing, unless on_unmatched_rule says otherwise.
void check_coverage(const Decider& decider, const ConstantFinder& constants, const std::vector<Choice>& choices,
                    Plan& plan);

}  // namespace vetquant::plan
