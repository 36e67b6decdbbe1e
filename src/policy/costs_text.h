// `costs:` of a target profile, read.
#pragma once

#include "vetquant/policy/cost_table.h"
#include "vetquant/policy/document.h"

namespace vetquant {

CostTable read_costs(const YamlValue& value);

}  // namespace vetquant
