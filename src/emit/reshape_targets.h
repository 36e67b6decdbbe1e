// The clean-up `reshape_targets`.
#pragma once

#include "context.h"

namespace vetquant {

// Exporters compute the shape that a Reshape makes from the shape of some earlier value, in five nodes or so for each
// dimension. Where every dimension is a number or equals the one of the data at the same place (a 0 in the target means
// that), but for at most one (-1), a constant takes their place. Results are equal to the bit; only where a value has no
// elements at all may -1 not be resolved. Needs what the nodes are before they are rewritten.
void fix_reshape_targets(EmitContext& context, const ConstantFinder& constants);

}  // namespace vetquant
