// Every key and word of policy and target files. The JSON Schema (models/policies/policy.schema.json) is compared with
// these tables by a test.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "vetquant/policy/policy.h"
#include "vetquant/policy/target.h"

namespace vetquant::words {

using Words = std::span<const std::string_view>;
template <size_t count>
using List = std::array<std::string_view, count>;

inline constexpr List<14> kPolicyKeys = {"version",    "extends",  "target",         "defaults",          "rules",
                                         "tensors",    "clean_up", "on_unsupported", "on_unmatched_rule", "calibration",
                                         "self_check", "budget",   "gates",          "description"};
inline constexpr List<4> kRuleKeys = {"name", "match", "use", "optional"};
inline constexpr List<9> kMatchKeys = {"node",         "node_regex",   "op",      "tensor", "scope",
                                       "min_elements", "max_elements", "between", "input"};
inline constexpr List<16> kUseKeys = {"weights",
                                      "activations",
                                      "granularity",
                                      "block",
                                      "axis",
                                      "symmetric",
                                      "range",
                                      "zero_point",
                                      "scales",
                                      "algorithm",
                                      "form",
                                      "compute",
                                      "accuracy_level",
                                      "helpers",
                                      "activation_type",
                                      "activation_symmetric"};
inline constexpr List<3> kTensorKeys = {"min_elements", "tied", "overridable"};
inline constexpr List<3> kCleanUpKeys = {"reshape_targets", "identities", "constants"};  // order of kCleanUpSteps
inline constexpr List<4> kCalibrationKeys = {"samples", "method", "percentile", "max_memory"};
inline constexpr List<4> kSelfCheckKeys = {"target_db", "most_nodes", "samples", "to"};
inline constexpr List<2> kBudgetKeys = {"file", "effective_bits"};
inline constexpr List<8> kGateKeys = {"test_set", "metric", "max_increase", "max_decrease",
                                      "min",      "max",    "keep",         "confidence"};

inline constexpr List<7> kWeights = {"fp32", "fp16", "bf16", "int8", "uint8", "int4", "uint4"};
inline constexpr List<2> kFloats = {"fp32", "fp16"};                            // compute
inline constexpr List<3> kScales = {"fp32", "fp16", "log8"};                    // order of ScaleType
inline constexpr List<4> kActivations = {"none", "dynamic", "static", "auto"};  // order of Activations
inline constexpr List<4> kActivationTypes = {"uint8", "int8", "uint16", "int16"};
inline constexpr List<3> kGranularity = {"tensor", "channel", "block"};  // order of Granularity
inline constexpr List<3> kRange = {"full", "narrow", "7bit"};
inline constexpr List<2> kZeroPoint = {"integer", "float"};
inline constexpr List<10> kForm = {"auto",         "dequantize",   "fold_at_load", "dynamic_integer",
                                   "matmul_nbits", "gather_block", "gather_rows",  "dynamic_lstm",
                                   "qdq",          "qoperator"};  // order of FormChoice
inline constexpr List<3> kSelfCheckTypes = {"fp32", "uint16", "int16"};
inline constexpr List<3> kOnUnsupported = {"error", "next-rule", "keep"};
inline constexpr List<3> kOnUnmatchedRule = {"error", "warn", "ignore"};
inline constexpr List<2> kTied = {"together", "apart"};
inline constexpr List<2> kOverridable = {"quantize", "keep"};  // order of Overridable

inline constexpr List<19> kTargetKeys = {"version",         "name",        "title",   "aliases",     "extends",
                                         "instruction_set", "status",      "runtime", "max_opset",   "max_ir_version",
                                         "saturates_u8s8",  "contrib_ops", "fp16",    "accelerator", "forms",
                                         "operators",       "preferences", "costs",   "source"};
inline constexpr List<3> kStatus = {"measured", "compiled", "untested"};  // order of ProfileStatus
inline constexpr List<9> kAcceleratorKeys = {"name",         "cpu_fallback", "fixed_shapes", "open_batch", "subgraphs",
                                             "border_pairs", "max_rank",     "max_dim",      "source"};
inline constexpr List<2> kBorderPairs = {"accelerator", "cpu"};
inline constexpr List<21> kOperatorKeys = {
    "ops",          "min_opset",     "max_opset",    "types",        "codes",        "symmetric_codes", "weights",
    "data_input",   "input_types",   "output_types", "min_rank",     "max_rank",     "constant_inputs", "attributes",
    "output_scale", "shared_scales", "after",        "fixed_shapes", "float_result", "advice",          "source"};
inline constexpr List<3> kOperatorWeightKeys = {"types", "granularity", "symmetric"};
inline constexpr List<3> kSymmetricWeights = {"never", "channels", "always"};  // which weights need zero points of 0
inline constexpr List<2> kFixedScaleKeys = {"scale", "zero_point"};
inline constexpr List<2> kRuntimeKeys = {"name", "version"};
inline constexpr List<3> kFp16Keys = {"compute_default", "ops", "source"};
inline constexpr List<8> kFormKeys = {"form",   "min_runtime",  "ops",          "weights",
                                      "blocks", "in_subgraphs", "slow_because", "source"};
inline constexpr List<5> kPreferenceKeys = {"when", "competes", "use", "reason", "source"};
inline constexpr List<8> kWhenKeys = {"op",       "weights",      "activations", "min_rows",
                                      "max_rows", "rows_unknown", "in_subgraph", "language_model"};
inline constexpr List<2> kCostKeys = {"source", "products"};
inline constexpr List<5> kStatisticsKeys = {"vetquant_statistics", "model", "samples", "method", "tensors"};
inline constexpr List<2> kStatisticsModelKeys = {"file", "digest"};
inline constexpr List<2> kStatisticsSamplesKeys = {"source", "count"};
inline constexpr List<4> kStatisticsMethodKeys = {"name", "percentile", "symmetric", "bits"};
inline constexpr List<10> kTensorStatisticsKeys = {"range",  "minimum", "maximum", "mean",      "deviation",
                                                   "values", "nan",     "inf",     "histogram", "channels"};
inline constexpr List<5> kRangeMethods = {"minmax", "percentile", "entropy", "mse", "mean"};  // order of RangeMethod
inline constexpr List<3> kHistogramKeys = {"low", "high", "counts"};
inline constexpr List<3> kChannelKeys = {"axis", "minimum", "maximum"};
inline constexpr List<6> kProductKeys = {"form", "weights", "accuracy_level", "k", "n", "shares"};

}  // namespace vetquant::words
