// A Judgement as text (at most 100 columns) and as JSON ("vetquant.eval/1", schema in models/schemas/report.schema.json).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "vetquant/eval/gate.h"
#include "vetquant/eval/judge.h"

namespace vetquant {

enum class Detail { kShort, kFull };  // kFull: confusion matrices and every operator

std::string judgement_text(const Judgement& judgement, const std::vector<GateResult>& gates,
                           Detail detail = Detail::kShort);
nlohmann::ordered_json judgement_json(const Judgement& judgement, const std::vector<GateResult>& gates);

// Exit code 6 where a gate failed or a judged model did.
bool all_is_well(const Judgement& judgement, const std::vector<GateResult>& gates);

}  // namespace vetquant
