#include "accelerator_rules.h"

#include <onnx/onnx_pb.h>

#include <algorithm>

#include "roles.h"
#include "vetquant/core/text.h"

namespace vetquant::plan {
namespace {

constexpr std::string_view kGranularities[] = {"tensor", "channel", "block"};

template <class Type>
bool has(const std::vector<Type>& list, Type item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

// They stay valid: what is known of a profile is kept.
std::vector<const OperatorSupport*> rows_on_codes(const FormContext& context, const NodeInfo& node) {
  std::vector<const OperatorSupport*> rows;
  const auto accelerator = support_of(context.target).accelerator;
  if (accelerator == nullptr) return rows;
  const std::string op = qualified_op(*node.proto);
  for (const OperatorSupport& row : accelerator->operators) {
    const bool names =
        std::any_of(row.ops.begin(), row.ops.end(), [&](const auto& glob) { return glob_matches(glob, op); });
    if (names && !row.codes.empty()) rows.push_back(&row);
  }
  return rows;
}

std::string list(const std::vector<DType>& types) {
  std::string text;
  for (const DType type : types) text += (text.empty() ? "" : ", ") + std::string(name_of(type));
  return text;
}

struct Miss {
  int stage = -1;  // how far the row came
  std::string text;
};

Miss weight_miss(const WeightSupport& taken, const PlannedWeight& weight) {
  if (!has(taken.types, weight.type))
    return {3, "weights of " + list(taken.types) + ", not " + std::string(name_of(weight.type))};
  if (!taken.granularity.empty() && !has(taken.granularity, weight.granularity)) {
    std::string kinds;
    for (const Granularity kind : taken.granularity)
      kinds += (kinds.empty() ? "" : " or ") + std::string(kGranularities[static_cast<size_t>(kind)]);
    return {4, "weights per " + kinds + ", not per " +
                   std::string(kGranularities[static_cast<size_t>(weight.granularity)])};
  }
  const bool must = taken.symmetric == SymmetricWeights::kAlways ||
                    (taken.symmetric == SymmetricWeights::kChannels && weight.granularity != Granularity::kTensor);
  if (must && weight.symmetry != Symmetry::kSymmetric) return {5, "symmetric weights alone (symmetric: true)"};
  return {};
}

Miss miss_of(const OperatorSupport& row, const Use& use, const std::optional<PlannedWeight>& weight, int64_t opset) {
  if (row.min_opset && opset < *row.min_opset) return {0, "it from opset " + std::to_string(*row.min_opset) + " on"};
  if (row.max_opset && opset > *row.max_opset) return {0, "it up to opset " + std::to_string(*row.max_opset)};
  const DType codes = use.activation_type.value_or(DType::kUint8);
  if (!has(row.codes, codes))
    return {1, "activations of " + list(row.codes) + ", not " + std::string(name_of(codes)) + " (activation_type)"};
  if (row.symmetric_codes && !use.activation_symmetric.value_or(false))
    return {2, "symmetric activations alone (activation_symmetric: true)"};
  return weight && row.weights ? weight_miss(*row.weights, *weight) : Miss{};
}

}  // namespace

PlannedWeight planned_weight(const QuantSpec& spec, const ScaleLayout& layout) {
  PlannedWeight weight{.type = spec.code_type, .symmetry = spec.symmetry};
  weight.granularity = layout.block_axis >= 0        ? Granularity::kBlock
                       : layout.channel_axes.empty() ? Granularity::kTensor
                                                     : Granularity::kChannel;
  return weight;
}

std::optional<Obstacle> accelerator_obstacle(const FormContext& context, const NodeInfo& node, const Use& use,
                                             const std::optional<PlannedWeight>& weight) {
  const auto accelerator = support_of(context.target).accelerator;
  if (accelerator == nullptr) return std::nullopt;
  const std::string op = qualified_op(*node.proto);
  const std::string who = accelerator->name + " (target " + context.target.name + ")";
  const std::vector<const OperatorSupport*> rows = rows_on_codes(context, node);
  if (rows.empty()) return Obstacle{who + " does not take " + op + " between codes"};
  Miss nearest;
  for (const OperatorSupport* row : rows) {
    Miss miss = miss_of(*row, use, weight, context.index.opset(node.scope, node.proto->domain()));
    if (miss.text.empty()) return std::nullopt;
    if (miss.stage > nearest.stage) nearest = std::move(miss);
  }
  return Obstacle{who + " takes " + op + " with " + nearest.text};
}

std::optional<FixedScale> fixed_scale(const FormContext& context, const NodeInfo& node, DType codes) {
  for (const OperatorSupport* row : rows_on_codes(context, node)) {
    const auto found = row->output_scale.find(codes);
    if (found != row->output_scale.end()) return found->second;
  }
  return std::nullopt;
}

bool accelerator_allows_floats(const FormContext& context, const NodeInfo& node) {
  if (support_of(context.target).accelerator == nullptr) return true;
  const std::vector<const OperatorSupport*> rows = rows_on_codes(context, node);
  return std::any_of(rows.begin(), rows.end(), [](const OperatorSupport* row) { return row->float_result; });
}

}  // namespace vetquant::plan
