// What each preset would make of a model's weights: for `inspect`. Plans only; nothing is quantized. Presets with static
// activations are left out: what they do hangs on a calibration.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vetquant/plan/plan.h"

namespace vetquant {

struct PresetEstimate {
  std::string preset;
  uint64_t weight_bytes_before = 0, weight_bytes_after = 0;  // planned and kept weights, each stored tensor once
  uint64_t tensors = 0;                                      // that change
  std::string problem;                                       // why the preset cannot be planned, or ""
};

// `model_bytes` after a preset is about model.total_bytes() - before + after.
std::vector<PresetEstimate> estimate_presets(const Model& model, const GraphIndex& index,
                                             const ConstantFinder& constants, const TargetProfile& target,
                                             const PlanOptions& options);

}  // namespace vetquant
