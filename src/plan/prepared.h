// One model looked at once, planned any number of times (inspect asks for every preset).
#pragma once

#include "survey.h"

namespace vetquant::plan {

Plan plan_surveyed(const GraphIndex& index, const ConstantFinder& constants, const Survey& survey, const Policy& policy,
                   const TargetProfile& target, const quant::ActivationStatistics* statistics = nullptr,
                   const PutBackNodes& put_back = {});

}  // namespace vetquant::plan
