// Two models side by side as text and as JSON ("vetquant.compare/1"): each weight's error, then the outputs'.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "vetquant/eval/judge.h"
#include "vetquant/eval/weight_error.h"

namespace vetquant {

struct Comparison {
  std::string float_model, quantized;
  WeightComparison weights;
  std::optional<Judgement> outputs;  // absent where only weights were compared
};

// The worst `most_weights` weights; 0: all.
std::string comparison_text(const Comparison& comparison, size_t most_weights);
nlohmann::ordered_json comparison_json(const Comparison& comparison);

}  // namespace vetquant
