#include "operator_rules.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "roles.h"
#include "vetquant/core/text.h"

namespace vetquant::plan {
namespace {

constexpr std::string_view kDynamic[] = {"DynamicQuantizeLinear",
                                         "MatMulInteger",
                                         "ConvInteger",
                                         "com.microsoft:DynamicQuantizeMatMul",
                                         "com.microsoft:MatMulIntegerToFloat",
                                         "com.microsoft:DynamicQuantizeLSTM"};
constexpr std::string_view kBlocks[] = {"com.microsoft:MatMulNBits", "com.microsoft:GatherBlockQuantized"};

template <class Range>
bool holds(const Range& range, std::string_view word) {
  return std::find(std::begin(range), std::end(range), word) != std::end(range);
}

bool has(const std::vector<DType>& types, DType type) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

std::string list(const std::vector<DType>& types) {
  std::string text;
  for (const DType type : types) text += (text.empty() ? "" : ", ") + std::string(name_of(type));
  return text;
}

std::string list(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

bool has_weight(const onnx::NodeProto& node) {
  constexpr std::string_view kProducts[] = {"Conv", "ConvTranspose", "MatMul", "Gemm"};
  return is_standard(node.domain()) && holds(kProducts, node.op_type());
}

std::string number_text(float number) {
  char buffer[32];
  const auto end = std::to_chars(std::begin(buffer), std::end(buffer), number);
  return {buffer, end.ptr};
}

std::optional<std::string> attribute_text(const onnx::NodeProto& node, const std::string& name) {
  const auto& all = node.attribute();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& attribute) { return attribute.name() == name; });
  if (found == all.end()) return std::nullopt;
  switch (found->type()) {
    case onnx::AttributeProto::INT:
      return std::to_string(found->i());
    case onnx::AttributeProto::FLOAT:
      return number_text(found->f());
    case onnx::AttributeProto::STRING:
      return found->s();
    case onnx::AttributeProto::INTS: {
      std::string text;
      for (const int64_t number : found->ints()) text += (text.empty() ? "" : "x") + std::to_string(number);
      return text;
    }
    default:
      return "of another kind";
  }
}

// One row and one unit: the first condition that fails.
class RowTest {
 public:
  RowTest(const UnitContext& context, const OperatorSupport& row, const NodeUnit& unit)
      : context_(context), row_(row), unit_(unit), node_(context.index.node(unit.node)) {}

  struct Failure {
    int stage;  // how far it came
    std::string text, advice;
  };
  std::optional<Failure> failure() const {
    using Check = std::optional<Failure> (RowTest::*)() const;
    constexpr Check kChecks[] = {&RowTest::opset,   &RowTest::types, &RowTest::codes,     &RowTest::weights,
                                 &RowTest::further, &RowTest::rank,  &RowTest::constants, &RowTest::attributes,
                                 &RowTest::scales,  &RowTest::behind};
    for (size_t i = 0; i < std::size(kChecks); ++i) {
      if (auto found = (this->*kChecks[i])()) {
        found->stage = static_cast<int>(i);
        if (!row_.advice.empty()) found->advice = row_.advice;
        return found;
      }
    }
    return std::nullopt;
  }

 private:
  static std::optional<Failure> fail(std::string text, std::string advice = {}) {
    return Failure{0, std::move(text), std::move(advice)};
  }
  const ValueType& type_of(ValueId value) const { return context_.types[static_cast<size_t>(value.value)]; }
  ValueId input(int64_t number) const {
    const auto i = static_cast<size_t>(number);
    return i < node_.inputs.size() ? node_.inputs[i] : ValueId{};
  }
  // The DequantizeLinear before an input of a unit on codes.
  const NodeInfo* dequantize(ValueId value) const {
    if (!value.valid()) return nullptr;
    const NodeId maker = context_.index.value(value).producer;
    const bool own = std::find(unit_.dequantize.begin(), unit_.dequantize.end(), maker) != unit_.dequantize.end();
    return own ? &context_.index.node(maker) : nullptr;
  }
  bool is_constant(ValueId value) const {
    if (const NodeInfo* pair = dequantize(value)) value = pair->inputs[0];
    const NodeId maker = context_.index.value(value).producer;
    return context_.constants.find(value).has_value() || (maker.valid() && context_.folded.contains(maker));
  }

  std::optional<Failure> opset() const {
    const int64_t model = context_.index.opset(node_.scope, node_.proto->domain());
    if (row_.min_opset && model < *row_.min_opset) {
      return fail(
          "it is taken from opset " + std::to_string(*row_.min_opset) + " on, the model has " + std::to_string(model),
          "raise the model's opset");
    }
    if (row_.max_opset && model > *row_.max_opset) {
      return fail(
          "it is taken up to opset " + std::to_string(*row_.max_opset) + ", the model has " + std::to_string(model),
          "export the model at a lower opset");
    }
    return std::nullopt;
  }

  std::optional<Failure> types() const {
    if (unit_.on_codes()) return std::nullopt;
    if (row_.types.empty()) {
      return fail("it is taken between codes only (" + list(row_.codes) + ")",
                  "quantize it statically: preset int8-static, or `activations: static`");
    }
    const ValueId data = input(row_.data_input);
    if (!data.valid()) return std::nullopt;
    const DType type = type_of(data).dtype;
    if (type == DType::kUndefined || has(row_.types, type)) return std::nullopt;
    return fail("its data is " + std::string(name_of(type)) + "; taken are " + list(row_.types));
  }

  std::optional<Failure> codes() const {
    if (!unit_.on_codes()) return std::nullopt;
    if (row_.codes.empty())
      return fail("it is not taken between codes, only as " + list(row_.types),
                  "a rule with `use: keep` leaves it float");
    std::vector<NodeId> pairs = unit_.quantize;
    for (size_t i = 0; i < node_.inputs.size(); ++i) {
      const bool product = has_weight(*node_.proto);
      if (product && (i == 2 || (i == 1 && row_.weights && is_constant(node_.inputs[1])))) continue;
      const NodeInfo* pair = dequantize(node_.inputs[i]);
      if (pair != nullptr) pairs.push_back(context_.index.value(node_.inputs[i]).producer);
    }
    for (const NodeId id : pairs) {
      const PairParameters parameters = pair_parameters(context_, context_.index.node(id));
      if (!has(row_.codes, parameters.type) && parameters.type != DType::kInt32) {
        return fail("its activations are " + std::string(name_of(parameters.type)) + "; taken are " + list(row_.codes),
                    "`activation_type: " + std::string(name_of(row_.codes[0])) + "`");
      }
      if (!parameters.known()) return fail("its scales are computed, not constants");
      if (parameters.scales.size() > 1)
        return fail("its activations have a scale per channel; one per tensor is taken");
      if (row_.symmetric_codes && !parameters.symmetric())
        return fail("its activations have a zero point; symmetric ones are taken", "`activation_symmetric: true`");
    }
    return std::nullopt;
  }

  std::optional<Failure> weights() const {
    if (!unit_.on_codes() || !row_.weights || !has_weight(*node_.proto) || !is_constant(input(1))) return std::nullopt;
    const NodeInfo* pair = dequantize(input(1));
    if (pair == nullptr) return std::nullopt;
    const WeightSupport& taken = *row_.weights;
    const PairParameters parameters = pair_parameters(context_, *pair);
    if (!has(taken.types, parameters.type)) {
      return fail("its weights are " + std::string(name_of(parameters.type)) + "; taken are " + list(taken.types),
                  "`weights: " + std::string(name_of(taken.types[0])) + "`");
    }
    const Granularity granularity = parameters.by_block            ? Granularity::kBlock
                                    : parameters.scales.size() > 1 ? Granularity::kChannel
                                                                   : Granularity::kTensor;
    const auto& kinds = taken.granularity;
    if (!kinds.empty() && std::find(kinds.begin(), kinds.end(), granularity) == kinds.end()) {
      constexpr std::string_view kNames[] = {"tensor", "channel", "block"};
      return fail("its weights have a scale per " + std::string(kNames[static_cast<size_t>(granularity)]),
                  "`granularity: " + std::string(kNames[static_cast<size_t>(kinds[0])]) + "`");
    }
    const bool must = taken.symmetric == SymmetricWeights::kAlways ||
                      (taken.symmetric == SymmetricWeights::kChannels && granularity != Granularity::kTensor);
    if (must && !parameters.symmetric())
      return fail("its weights have zero points; symmetric ones are taken", "`symmetric: true`");
    return std::nullopt;
  }

  std::optional<Failure> further() const {
    for (const auto& [number, types] : row_.input_types) {
      const ValueId value = input(number);
      if (!value.valid() || dequantize(value) != nullptr) continue;
      const DType type = type_of(value).dtype;
      if (type != DType::kUndefined && !has(types, type)) {
        return fail("its input " + std::to_string(number) + " is " + std::string(name_of(type)) + "; taken are " +
                    list(types));
      }
    }
    if (row_.output_types.empty() || unit_.on_codes() || node_.outputs.empty()) return std::nullopt;
    const DType type = type_of(node_.outputs[0]).dtype;
    if (type == DType::kUndefined || has(row_.output_types, type)) return std::nullopt;
    return fail("its result is " + std::string(name_of(type)) + "; taken are " + list(row_.output_types));
  }

  std::optional<Failure> rank() const {
    const ValueId data = input(row_.data_input);
    if (!data.valid() || !type_of(data).has_shape) return std::nullopt;
    const auto own = static_cast<int64_t>(type_of(data).shape.size());
    if ((!row_.min_rank || own >= *row_.min_rank) && (!row_.max_rank || own <= *row_.max_rank)) return std::nullopt;
    std::string taken = row_.min_rank ? std::to_string(*row_.min_rank) : "0";
    if (!row_.max_rank) {
      taken += " and more";
    } else if (row_.min_rank != row_.max_rank) {
      taken += " to " + std::to_string(*row_.max_rank);
    }
    return fail("its data has " + std::to_string(own) + " axes; taken are " + taken);
  }

  std::optional<Failure> constants() const {
    for (const int64_t number : row_.constant_inputs) {
      const ValueId value = input(number);
      if (value.valid() && !is_constant(value))
        return fail("its input " + std::to_string(number) + " is computed; a constant is taken");
    }
    return std::nullopt;
  }

  std::optional<Failure> attributes() const {
    for (const auto& [name, taken] : row_.attributes) {
      const std::optional<std::string> own = attribute_text(*node_.proto, name);
      if (!own || holds(taken, *own) || (holds(taken, "last") && is_last_axis(*own))) continue;
      return fail("its " + name + " is " + printable(*own, 40) + "; taken are " + list(taken));
    }
    return std::nullopt;
  }

  bool is_last_axis(const std::string& axis) const {
    const ValueId data = input(row_.data_input);
    if (axis == "-1") return true;
    return data.valid() && type_of(data).has_shape && axis == std::to_string(type_of(data).shape.size() - 1);
  }

  std::optional<Failure> scales() const {
    if (!unit_.on_codes()) return std::nullopt;
    if (unit_.quantize.empty()) {
      return row_.float_result ? std::nullopt
                               : fail("its result is float; with codes as inputs it needs codes as result",
                                      "plan it for this target: `quantize --target` puts a pair behind it");
    }
    const PairParameters output = pair_parameters(context_, context_.index.node(unit_.quantize[0]));
    const auto fixed = row_.output_scale.find(output.type);
    if (fixed != row_.output_scale.end() && output.known()) {
      const int64_t zero = output.zero_points.empty() ? 0 : output.zero_points[0];
      const double scale = output.scales[0];
      if (std::fabs(scale - fixed->second.scale) > 1e-3 * fixed->second.scale || zero != fixed->second.zero_point) {
        return fail("its " + std::string(name_of(output.type)) + " result needs the scale " +
                    number_text(static_cast<float>(fixed->second.scale)) + " and the zero point " +
                    std::to_string(fixed->second.zero_point));
      }
    }
    if (!row_.shared_scales) return std::nullopt;
    for (const NodeId id : unit_.dequantize) {
      if (pair_parameters(context_, context_.index.node(id)) != output)
        return fail("its inputs and its result have different scales; they have to share one");
    }
    return std::nullopt;
  }

  std::optional<Failure> behind() const {
    if (row_.after.empty()) return std::nullopt;
    const ValueId data = input(row_.data_input);
    const NodeId maker = data.valid() ? context_.index.value(data).producer : NodeId{};
    if (maker.valid() && context_.index.value(data).uses.size() == 1 && !unit_.on_codes()) {
      const std::string op = qualified_op(*context_.index.node(maker).proto);
      if (holds(row_.after, op)) return std::nullopt;
    }
    return fail("it is taken only right behind " + list(row_.after) + ", as a part of it");
  }

  const UnitContext& context_;
  const OperatorSupport& row_;
  const NodeUnit& unit_;
  const NodeInfo& node_;
};

bool names(const OperatorSupport& row, const std::string& op) {
  return std::any_of(row.ops.begin(), row.ops.end(), [&](const std::string& glob) { return glob_matches(glob, op); });
}

}  // namespace

std::string advice_for_missing(const Accelerator& accelerator, const std::string& op) {
  const std::vector<OperatorSupport>& rows = accelerator.operators;
  const bool codes = std::any_of(rows.begin(), rows.end(), [](const OperatorSupport& row) {
    return !row.codes.empty() && (names(row, "MatMul") || names(row, "Conv"));
  });
  const std::string instead = codes ? "use the preset int8-static" : "use the preset fp16";
  if (holds(kDynamic, op)) return "the dynamic int8 form is for CPUs: " + instead;
  if (holds(kBlocks, op)) return "weights by block are for CPUs: " + instead;
  return {};
}

Verdict verdict_on(const UnitContext& context, const Accelerator& accelerator, const NodeUnit& unit) {
  const std::string op = qualified_op(*context.index.node(unit.node).proto);
  std::optional<Cause> nearest;
  int stage = -1;
  for (const OperatorSupport& row : accelerator.operators) {
    if (!names(row, op)) continue;
    const std::optional<RowTest::Failure> failure = RowTest(context, row, unit).failure();
    if (!failure) return {std::nullopt, &row};
    if (failure->stage <= stage) continue;
    stage = failure->stage;
    nearest = Cause{failure->text, failure->advice, row.position, row.source};
  }
  if (!nearest) nearest = Cause{"the profile does not list it", advice_for_missing(accelerator, op), {}, {}};
  return {std::move(nearest), nullptr};
}

}  // namespace vetquant::plan
