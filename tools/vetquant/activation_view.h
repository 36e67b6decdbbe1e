// Static activations of a plan, as people and programs read them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "vetquant/pipeline/pipeline.h"

namespace vetquant::cli {

// How many, and what stays float by reason; each activation with its range where `with_reasons`. "" where there are none.
std::string activations_text(const Prepared& prepared, bool with_reasons);

// Adds "activations", "biases" and "float_nodes": empty where the policy asks for no static ones.
void add_activations(const Prepared& prepared, nlohmann::ordered_json& plan);

}  // namespace vetquant::cli
