// What the target's costs say about a planned product: its time as a share of float's.
#pragma once

#include <optional>

#include "form_rules.h"
#include "rows.h"

namespace vetquant::plan {

// Nothing where the site is no product, or nobody measured its form. Unknown rows count as one: a step of a decoder.
std::optional<double> expected_share(const CostTable& costs, const Site& site, const Choice& choice, const Rows& rows);

// What the plan says about them: how long all products together may take, and which are slower than float.
void note_expectations(const TargetProfile& target, Plan& plan);

}  // namespace vetquant::plan
