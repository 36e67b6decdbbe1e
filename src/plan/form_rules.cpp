#include "form_rules.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>

#include "accelerator_rules.h"
#include "sizes.h"
#include "static_rules.h"
#include "vetquant/core/text.h"
#include "vetquant/quant/algorithm.h"

namespace vetquant::plan {
namespace {

// Opsets below which a form's standard operators (or, with com.microsoft, the surrounding ones) do not exist.
struct FormRule {
  FormChoice choice;
  Form form;
  bool contrib;             // a com.microsoft operator
  bool rounds_activations;  // at least where accuracy_level says so
  int64_t min_opset;
  const char* serves;  // for messages
};
constexpr std::array<FormRule, 8> kRules = {{
    {FormChoice::kDequantize, Form::kDequantize, false, false, 10, "any operator"},
    {FormChoice::kFoldAtLoad, Form::kFoldAtLoad, false, false, 7, "any operator"},
    {FormChoice::kDynamicInteger, Form::kDynamicInteger, false, true, 11,
     "MatMul and Gemm with a constant matrix on the right"},
    {FormChoice::kMatMulNBits, Form::kMatMulNBits, true, false, 7,
     "MatMul and Gemm with a constant matrix on the right"},
    {FormChoice::kGatherBlock, Form::kGatherBlock, true, false, 7, "Gather along axis 0 of a table of rank 2"},
    {FormChoice::kGatherRows, Form::kGatherRows, false, false, 7, "Gather along axis 0 of a table of rank 2"},
    {FormChoice::kDynamicLstm, Form::kDynamicLstm, true, true, 7, "LSTM with W and R constant"},
    {FormChoice::kQdq, Form::kQdq, false, true, 10, "Conv, ConvTranspose, MatMul and Gemm with constant weights"},
}};

const FormRule* rule_of(FormChoice choice) {
  const auto found =
      std::find_if(kRules.begin(), kRules.end(), [&](const FormRule& rule) { return rule.choice == choice; });
  return found == kRules.end() ? nullptr : &*found;
}

Obstacle cannot(std::string text) { return Obstacle{std::move(text), ErrorCode::kUnsupported}; }

bool is_constant(const FormContext& context, const NodeInfo& node, size_t input) {
  return input < node.inputs.size() && node.inputs[input].valid() &&
         context.constants.find(node.inputs[input]).has_value();
}

std::optional<Obstacle> product_obstacle(const FormContext& context, const Site& site, const NodeInfo& node) {
  switch (site.kind) {
    case SiteKind::kMatMulB:
    case SiteKind::kGemmB:
      break;
    case SiteKind::kMatMulA:
    case SiteKind::kGemmA:
      return cannot("the constant is on the left of the product");
    case SiteKind::kMatMulBatchedB:
      return cannot("the constant is a batch of matrices, the kernels take one");
    default:
      return cannot("it serves MatMul and Gemm with a constant matrix on the right");
  }
  if (is_constant(context, node, 0)) return cannot("both sides of the product are constant");
  return std::nullopt;
}

std::optional<Obstacle> lstm_obstacle(const FormContext& context, const Site& site, const NodeInfo& node) {
  if (site.kind != SiteKind::kLstmWeight) return cannot("it serves LSTM");
  if (!is_constant(context, node, 1) || !is_constant(context, node, 2))
    return cannot("W and R of the LSTM are not both constant");
  if (int_attribute(*node.proto, "layout", 0) != 0) return cannot("the LSTM has its batch first (layout 1)");
  if (int_attribute(*node.proto, "input_forget", 0) != 0) return cannot("the LSTM couples its gates (input_forget)");
  for (const onnx::AttributeProto& attribute : node.proto->attribute()) {
    if (attribute.name() == "activation_alpha" || attribute.name() == "activation_beta") {
      return cannot("the LSTM has " + attribute.name());
    }
  }
  return std::nullopt;
}

std::optional<Obstacle> dequantize_obstacle(const FormContext& context, const NodeInfo& node, const Trial& trial) {
  const int64_t opset = context.index.opset(node.scope, "");
  const ScaleLayout& layout = trial.placement.layout;
  const bool blocked = layout.block_axis >= 0;
  const int64_t least = blocked || bits_of(trial.spec.code_type) == 4 ? 21 : layout.channel_axes.empty() ? 10 : 13;
  if (opset >= least || (context.target.contrib_ops && !blocked)) return std::nullopt;
  return cannot("DequantizeLinear " + std::string(blocked ? "by block" : "of this kind") + " needs opset " +
                std::to_string(least) + ", the model has " + std::to_string(opset) + "; use form fold_at_load" +
                (blocked ? " or granularity channel" : ""));
}

std::optional<Obstacle> node_obstacle(const FormContext& context, const Site& site, const NodeInfo& node,
                                      const FormRule& rule) {
  switch (rule.form) {
    case Form::kMatMulNBits:
    case Form::kDynamicInteger:
      return product_obstacle(context, site, node);
    case Form::kGatherBlock:
    case Form::kGatherRows:
      if (site.kind != SiteKind::kTable) return cannot(std::string("it serves ") + rule.serves);
      return std::nullopt;
    case Form::kDynamicLstm:
      return lstm_obstacle(context, site, node);
    case Form::kQdq:
      if (!is_static_weight(site.kind)) return cannot(std::string("it serves ") + rule.serves);
      return static_obstacle(context, site.node);
    default:
      return std::nullopt;
  }
}

std::optional<Obstacle> target_obstacle(const FormContext& context, const NodeInfo& node, const FormRule& rule,
                                        DType code) {
  const TargetProfile& target = context.target;
  const FormSupport* support = target.find(rule.choice);
  if (support == nullptr) return cannot("target " + target.name + " does not have this form");
  if (rule.contrib && !target.contrib_ops) return cannot("target " + target.name + " has no com.microsoft operators");
  const std::string op = qualified_op(*node.proto);
  const bool serves = support->ops.empty() ||
                      std::any_of(support->ops.begin(), support->ops.end(),
                                  [&](const std::string& glob) { return glob_matches(glob, op) || glob == "*"; });
  if (!serves) return cannot("target " + target.name + " does not have it for " + op);
  if (!support->weights.empty() &&
      std::find(support->weights.begin(), support->weights.end(), code) == support->weights.end()) {
    return cannot("target " + target.name + " does not have it for " + std::string(name_of(code)));
  }
  if (!support->in_subgraphs && context.index.scope(node.scope).kind == ScopeKind::kSubgraph) {
    return cannot("target " + target.name + " does not have it inside If, Loop and Scan");
  }
  const int64_t opset = context.index.opset(node.scope, "");
  const bool below = opset < rule.min_opset && !(rule.form == Form::kDynamicInteger && target.contrib_ops) &&
                     !(rule.form == Form::kDequantize && target.contrib_ops);
  if (below)
    return cannot("it needs opset " + std::to_string(rule.min_opset) + ", the model has " + std::to_string(opset));
  if (opset < 9 && context.index.scope(node.scope).kind == ScopeKind::kFunction) {
    return cannot("functions hold no 8-bit constants below opset 9, the model has " + std::to_string(opset));
  }
  return std::nullopt;
}

std::optional<Obstacle> wish_obstacle(const Site& site, const Wish& wish, const FormRule& rule, const QuantSpec& spec) {
  const Use& use = wish.use;
  const bool float_zero = spec.zero_point == ZeroPointKind::kFloat && spec.symmetry == Symmetry::kAsymmetric;
  const bool is_static = use.activations == Activations::kStatic;
  if (is_static && rule.rounds_activations && rule.form != Form::kQdq)
    return cannot("it rounds activations at run time, the policy says activations: static");
  if (rule.form == Form::kQdq) {
    if (!is_static) return cannot("its activations are calibrated; say activations: static");
    if (spec.scale_type != ScaleType::kFloat32) return cannot("its scales are fp32");
    if (site.view.dtype() != DType::kFloat32) return cannot("the node computes in another type than fp32");
  }
  if (use.activations == Activations::kNone) {
    if (rule.rounds_activations) return cannot("it rounds activations, the policy says activations: none");
    if (rule.form == Form::kMatMulNBits && use.accuracy_level.value_or(0) >= 4) {
      return cannot("accuracy_level 4 rounds activations, the policy says activations: none");
    }
  }
  const DType source = site.view.dtype();
  const bool too_narrow = source == DType::kFloat64 && !is_storage_only(rule.form);  // such products run in fp32
  if (too_narrow || (source != DType::kFloat32 && rule.form == Form::kDynamicLstm)) {
    return cannot("the node computes in " + std::string(name_of(source)) + ", this form in fp32");
  }
  const bool four_bits = bits_of(spec.code_type) == 4;
  if (float_zero && rule.form != Form::kFoldAtLoad && !(rule.form == Form::kMatMulNBits && four_bits)) {
    return cannot("it takes no float zero points; use zero_point: integer");
  }
  if (four_bits &&
      (rule.form == Form::kDynamicInteger || rule.form == Form::kGatherRows || rule.form == Form::kDynamicLstm)) {
    return cannot("it takes 8-bit codes, the policy asks for " + std::string(name_of(spec.code_type)));
  }
  return std::nullopt;
}

std::string asked_form(const FormRule& rule, const Obstacle& obstacle) {
  return std::string(name_of(rule.choice)) + ": " + obstacle.text;
}

}  // namespace

Form form_of(FormChoice choice) {
  const FormRule* rule = rule_of(choice);
  return rule == nullptr ? Form::kKeep : rule->form;
}

std::optional<FormChoice> choice_of(Form form) {
  for (const FormRule& rule : kRules) {
    if (rule.form == form) return rule.choice;
  }
  return std::nullopt;
}

QuantSpec spec_of(const Use& use) {
  QuantSpec spec;
  spec.code_type = use.weights.value_or(DType::kInt8);
  const bool is_signed = spec.code_type == DType::kInt8 || spec.code_type == DType::kInt4;
  const bool symmetric = use.symmetric.value_or(is_signed && use.zero_point.value_or("integer") == "integer");
  spec.symmetry = symmetric ? Symmetry::kSymmetric : Symmetry::kAsymmetric;
  const std::string range = use.range.value_or("full");
  spec.range = range == "narrow" ? CodeRange::kNarrow : range == "7bit" ? CodeRange::k7Bit : CodeRange::kFull;
  spec.zero_point = use.zero_point.value_or("integer") == "float" ? ZeroPointKind::kFloat : ZeroPointKind::kInteger;
  spec.scale_type = use.scales.value_or(ScaleType::kFloat32);
  spec.algorithm = use.algorithm.value_or("rtn");
  // Plug-ins know no grid of scales (plugin.h).
  if (spec.scale_type == ScaleType::kLog8 && !is_builtin_algorithm(spec.algorithm))
    spec.scale_type = ScaleType::kFloat16;
  return spec;
}

Trial try_form(const FormContext& context, const Site& site, const Wish& wish, FormChoice choice) {
  Trial trial;
  const FormRule* rule = rule_of(choice);
  if (rule == nullptr) {
    trial.obstacle = cannot(std::string(name_of(choice)) + ": this version does not write this form; use qdq");
    return trial;
  }
  const NodeInfo& node = context.index.node(site.node);
  trial.spec = spec_of(wish.use);
  QuantSpec& spec = trial.spec;
  const auto fail = [&](const Obstacle& obstacle) {
    trial.obstacle = Obstacle{asked_form(*rule, obstacle), obstacle.code};
    return trial;
  };
  if (spec.range == CodeRange::k7Bit && bits_of(spec.code_type) != 8)
    return fail({"range 7bit is one of 8-bit codes", ErrorCode::kUsage});
  if (!wish.use.helpers.empty())
    return fail(cannot("helper '" + wish.use.helpers[0] + "' is not part of this version"));
  if (auto obstacle = target_obstacle(context, node, *rule, spec.code_type)) return fail(*obstacle);
  if (auto obstacle = wish_obstacle(site, wish, *rule, spec)) return fail(*obstacle);
  if (auto obstacle = node_obstacle(context, site, node, *rule)) return fail(*obstacle);
  // The block kernels hold unsigned codes; symmetric signed ones are stored with an offset.
  if (spec.symmetry == Symmetry::kAsymmetric &&
      (rule->form == Form::kMatMulNBits || rule->form == Form::kGatherBlock)) {
    spec.code_type = bits_of(spec.code_type) == 4 ? DType::kUint4 : DType::kUint8;
  }
  const FormSupport* support = context.target.find(choice);
  Placed placed = place({.form = rule->form,
                         .site = &site,
                         .node = node.proto,
                         .wish = &wish,
                         .allowed = &support->blocks,
                         .bits = bits_of(spec.code_type),
                         .scale_bytes = bytes_of(spec.scale_type)});
  if (placed.obstacle) return fail(*placed.obstacle);
  trial.placement = std::move(placed.placement);
  trial.adapted = std::move(placed.adapted);
  if (rule->form == Form::kDequantize || rule->form == Form::kQdq) {
    if (auto obstacle = dequantize_obstacle(context, node, trial)) return fail(*obstacle);
  }
  if (rule->form == Form::kQdq) {
    const PlannedWeight weight = planned_weight(spec, trial.placement.layout);
    if (auto obstacle = accelerator_obstacle(context, node, wish.use, weight)) return fail(*obstacle);
  }
  if (rule->form == Form::kMatMulNBits) trial.accuracy_level = wish.use.accuracy_level.value_or(0);
  const uint64_t after = stored_bytes(rule->form, stored_shape(site, trial.placement), spec, trial.placement.layout);
  const uint64_t before = bytes_of(site.view.dtype(), site.elements);
  if (after >= before && rule->form != Form::kQdq) {  // there codes are for computing
    return fail(
        cannot("codes and scales would take " + human_bytes(after) + ", the weight takes " + human_bytes(before)));
  }
  return trial;
}

}  // namespace vetquant::plan
