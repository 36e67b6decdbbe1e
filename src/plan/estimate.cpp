#include "vetquant/plan/estimate.h"

#include "prepared.h"
#include "vetquant/core/error.h"
#include "vetquant/plan/describe.h"

namespace vetquant {

std::vector<PresetEstimate> estimate_presets(const Model&, const GraphIndex& index, const ConstantFinder& constants,
                                             const TargetProfile& target, const PlanOptions& options) {
  plan::Survey survey =
      plan::survey_sites(index, constants, infer_types(index, options.shapes), TensorSettings{}.min_elements);
  plan::mark_ties(survey);
  std::vector<PresetEstimate> estimates;
  for (const Preset& preset : presets()) {
    PresetEstimate estimate;
    estimate.preset = preset.name;
    try {
      const Policy policy = load_policy(preset.name);
      if (policy.defaults.activations == Activations::kStatic) continue;  // nothing can be told without a calibration
      const PlanTotals sums = totals(plan::plan_surveyed(index, constants, survey, policy, target));
      estimate.weight_bytes_before = sums.bytes_before + sums.kept_bytes;
      estimate.weight_bytes_after = sums.bytes_after + sums.kept_bytes;
      estimate.tensors = sums.tensors;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInternal || error.code() == ErrorCode::kInterrupted) throw;
      estimate.problem = error.what();
    }
    estimates.push_back(std::move(estimate));
  }
  return estimates;
}

}  // namespace vetquant
