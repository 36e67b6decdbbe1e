// Values that all their readers clip: codes beyond the clip would be wasted.
#pragma once

#include "form_rules.h"

namespace vetquant::plan {

// The part of `range` that makes a difference to any reader of the value. Exact for Relu, Clip, HardSigmoid and HardSwish; for
// Sigmoid, Tanh and x * Sigmoid(x) within 0.003 of their results, half a step of 8 bits from -1 to 1.
quant::ActivationRange useful_range(const FormContext& context, ValueId value, quant::ActivationRange range);

}  // namespace vetquant::plan
