// What a target's accelerator asks of nodes that compute between codes, while they are planned: the same rows of the profile that
// `vetquant check` reads of a finished model.
#pragma once

#include <optional>

#include "form_rules.h"
#include "vetquant/policy/operator_support.h"

namespace vetquant::plan {

// The weight of a product as it would be stored.
struct PlannedWeight {
  DType type = DType::kInt8;
  Symmetry symmetry = Symmetry::kSymmetric;
  Granularity granularity = Granularity::kChannel;
};
PlannedWeight planned_weight(const QuantSpec& spec, const ScaleLayout& layout);

// Why no row takes the node on codes as `use` wishes, with what would work; nullopt where one does, or the target is a CPU.
std::optional<Obstacle> accelerator_obstacle(const FormContext& context, const NodeInfo& node, const Use& use,
                                             const std::optional<PlannedWeight>& weight);

// The scale that the node's result must have in codes of this type.
std::optional<FixedScale> fixed_scale(const FormContext& context, const NodeInfo& node, DType codes);

// May a product of codes give floats? True for CPUs.
bool accelerator_allows_floats(const FormContext& context, const NodeInfo& node);

}  // namespace vetquant::plan
