// A plan as people and programs read it: shared by `plan` and `quantize`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "vetquant/pipeline/pipeline.h"

namespace vetquant::cli {

std::string plan_text(const Prepared& prepared, bool with_reasons);
nlohmann::ordered_json plan_json(const Prepared& prepared);

// Why this tensor or node gets what it gets. Error{kUsage} with the nearest name where there is none of that name.
std::string explain_text(const Prepared& prepared, const std::string& name);

std::string stored_as(const PlannedTensor& tensor);  // "int4 block 32 mse"

}  // namespace vetquant::cli
