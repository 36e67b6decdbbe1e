// Between what Relu and Clip let values through.
#pragma once

#include "form_rules.h"

namespace vetquant::plan {

// nullopt: a limit is computed. Without a limit: infinite.
std::optional<quant::ActivationRange> clip_limits(const FormContext& context, const NodeInfo& node);

}  // namespace vetquant::plan
