// Does a row of a target profile take a unit? The condition that fails, and what would help.
#pragma once

#include <optional>
#include <string>

#include "node_units.h"
#include "vetquant/plan/target_check.h"
#include "vetquant/policy/operator_support.h"

namespace vetquant::plan {

// By the row that takes it, or the cause of the row that came nearest.
struct Verdict {
  std::optional<Cause> cause;  // nullopt: the accelerator takes it
  const OperatorSupport* row = nullptr;
};
Verdict verdict_on(const UnitContext& context, const Accelerator& accelerator, const NodeUnit& unit);

// "int8-static" and the like for operators that no phone's accelerator has: dynamic integers, MatMulNBits.
std::string advice_for_missing(const Accelerator& accelerator, const std::string& op);

}  // namespace vetquant::plan
