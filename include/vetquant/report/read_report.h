// Stored reports read back: what `vetquant eval`, `compare` and `quantize` wrote with --report or --json.
//
// Error{kUsage} where the document is not such a report, lacks something, or has another version ("vetquant.eval/9").
// What is not read back: inputs and outputs of models, and of gates their operator and value (Gate::text has them).
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/eval/gate.h"
#include "vetquant/eval/judge.h"
#include "vetquant/eval/weight_error.h"

namespace vetquant {

// What quantization did to the weights of one model.
struct WeightErrors {
  std::string model;  // the quantized file
  std::vector<WeightError> weights;
};

// All that the renderers of render.h know.
struct ReportData {
  std::optional<Judgement> judgement;  // absent where only weights were compared, or a model was quantized
  std::vector<GateResult> gates;
  std::vector<WeightErrors> weights;
};

ReportData read_report(const nlohmann::ordered_json& document, const std::string& where);
ReportData load_report(const std::filesystem::path& path);  // Error{kIo} where the file cannot be read

}  // namespace vetquant
