#include "activations.h"

#include <onnx/onnx_pb.h>

#include <algorithm>

#include "accelerator_rules.h"
#include "clip_limits.h"
#include "samples.h"
#include "saturation.h"

namespace vetquant::plan {
namespace {

bool asks_for_static(const Use& use) {
  return !use.keep && use.activations == Activations::kStatic && use.weights && bits_of(*use.weights) <= 8;
}

bool is_clip(const onnx::NodeProto& node) { return node.op_type() == "Relu" || node.op_type() == "Clip"; }

// Relu or Clip, the only reader of its input.
bool follows_alone(const GraphIndex& index, const NodeInfo& node) {
  if (!is_clip(*node.proto)) return false;
  const ValueInfo& input = index.value(node.inputs[0]);
  return input.uses.size() == 1 && !input.is_scope_output;
}

// Has integer kernels that give floats. MatMul before Add has not: the runtime makes one float Gemm of the two.
bool may_give_floats(const GraphIndex& index, const NodeInfo& node) {
  if (node.proto->op_type() == "Gemm") return true;
  const std::vector<ValueUse>& uses = index.value(node.outputs[0]).uses;
  return node.proto->op_type() == "MatMul" && std::none_of(uses.begin(), uses.end(), [&](const ValueUse& use) {
           return index.node(use.node).proto->op_type() == "Add";
         });
}

std::string with(const std::string& text, const std::string& addition) {
  return addition.empty() ? text : text + ": " + addition;
}

}  // namespace

ActivationPlanner::ActivationPlanner(const Decider& decider, std::vector<Choice>& choices)
    : decider_(decider), context_(decider.context()), choices_(choices) {}

void ActivationPlanner::choose() {
  const auto& nodes = context_.index.nodes();
  for (size_t i = 0; i < nodes.size(); ++i) consider(NodeId{static_cast<int32_t>(i)});
  drop_what_nobody_wants();
  for (const Member& member : members_) take_constants(member);
  make_groups();
  fold_clips();
}

// What is asked of a node: by the rule that decided its weight, or by the first that matches it. Absent: nothing static.
std::optional<Choice> ActivationPlanner::wish_at(NodeId id) const {
  for (const int number : context_.survey.sites_of_node[static_cast<size_t>(id.value)]) {
    const Choice& choice = choices_[static_cast<size_t>(number)];
    if (!is_static_weight(context_.survey.sites[static_cast<size_t>(number)].kind)) continue;
    return asks_for_static(choice.use) ? std::optional(choice) : std::nullopt;
  }
  const Wish wish = decider_.book().wish_of(decider_.book().first_for(id));
  if (!asks_for_static(wish.use)) return std::nullopt;
  Choice choice;
  choice.use = wish.use;
  choice.rule = wish.rule;
  choice.form_named = wish.use.form == FormChoice::kQdq;
  return choice;
}

void ActivationPlanner::consider(NodeId id) {
  const NodeInfo& node = context_.index.node(id);
  const auto is_constant = [&](ValueId output) {
    return !output.valid() || context_.constants.find(output).has_value();
  };
  if (std::all_of(node.outputs.begin(), node.outputs.end(), is_constant)) return;
  std::optional<Choice> asked = wish_at(id);
  if (!asked) return;
  const PutBack* back = context_.put_back_at(id);
  if (back != nullptr && back->type != DType::kFloat32) asked->use.activation_type = back->type;
  const StaticOp* op = static_op(*node.proto);
  if (const std::string why = why_not(node, id, op, *asked); !why.empty()) {
    const bool in_float = std::any_of(node.outputs.begin(), node.outputs.end(), [&](ValueId output) {
      return output.valid() && context_.survey.types[static_cast<size_t>(output.value)].dtype == DType::kFloat32;
    });
    if (in_float && node.subgraphs.empty()) float_nodes_.push_back({id, decider_.book().reason(asked->rule, why)});
    return;
  }
  Member member{.node = id, .op = op, .asked = *asked};
  member.type = asked->use.activation_type.value_or(DType::kUint8);
  member.symmetry = asked->use.activation_symmetric.value_or(false) ? Symmetry::kSymmetric : Symmetry::kAsymmetric;
  if (op->kind == StaticKind::kCarries) {
    const Member& maker = members_[member_of_.at(context_.index.value(node.inputs[0]).producer)];
    member.type = maker.type;
    member.symmetry = maker.symmetry;
  }
  if (back != nullptr) member.type = back->type;
  member_of_.emplace(id, members_.size());
  members_.push_back(std::move(member));
}

std::string ActivationPlanner::why_not(const NodeInfo& node, NodeId id, const StaticOp* op, const Choice& asked) const {
  const PutBack* back = context_.put_back_at(id);
  if (back != nullptr && back->type == DType::kFloat32) return back->reason;
  if (const auto obstacle = static_obstacle(context_, id)) return obstacle->text;
  if (const auto obstacle = accelerator_obstacle(context_, node, asked.use, std::nullopt)) return obstacle->text;
  if (op->kind != StaticKind::kProduct) {
    const std::string why = why_not_inputs(node, *op, asked);
    return why.empty() ? why_not_constant(node, *op, asked) : why;
  }
  for (size_t i = 0; i < 2 && i < node.inputs.size(); ++i) {
    if (!node.inputs[i].valid() || !context_.constants.find(node.inputs[i])) continue;
    if (i == 1 && asked.form == Form::kQdq) continue;
    return with("its weight stays float or is folded to float", asked.reason.text);
  }
  return {};
}

// Between float nodes integers gain nothing and lose precision: all inputs have to be in codes already, or one where the policy
// names the form.
std::string ActivationPlanner::why_not_inputs(const NodeInfo& node, const StaticOp& op, const Choice& asked) const {
  size_t in_codes = 0, in_float = 0;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (!is_data_input(op, node, i) || context_.constants.find(node.inputs[i])) continue;
    const bool made_in_codes = member_of_.contains(context_.index.value(node.inputs[i]).producer);
    ++(made_in_codes ? in_codes : in_float);
  }
  if (in_codes == 0) return "none of its inputs is in codes";
  return in_float > 0 && !asked.form_named ? "not all of its inputs are in codes" : std::string();
}

std::string ActivationPlanner::why_not_constant(const NodeInfo& node, const StaticOp& op, const Choice& asked) const {
  const DType type = asked.use.activation_type.value_or(DType::kUint8);
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (!is_data_input(op, node, i)) continue;
    const std::optional<TensorView> constant = context_.constants.find(node.inputs[i]);
    if (!constant) continue;
    if (op.kind == StaticKind::kJoins) return "it joins a constant, which would have to share its input's parameters";
    if (bits_of(type) != 8) return "one of its inputs is constant, and constants are not written in 16 bits";
    if (constant->dtype() != DType::kFloat32) return "its constant input is no fp32";
    if (looks_like_mask(*constant)) return "its constant holds infinities or numbers as large: a mask";
  }
  return {};
}

bool ActivationPlanner::is_wanted(const Member& member) const {
  const NodeInfo& node = context_.index.node(member.node);
  for (const ValueId output : node.outputs) {
    if (!output.valid()) continue;
    for (const ValueUse& use : context_.index.value(output).uses) {
      const auto reader = member_of_.find(use.node);
      if (reader == member_of_.end()) continue;
      if (is_data_input(*members_[reader->second].op, context_.index.node(use.node), static_cast<size_t>(use.input)))
        return true;
    }
  }
  return false;
}

// From the end: what only float nodes read need not be in codes. Relu and Clip right behind a product cost nothing there, and
// Conv has integer kernels from codes to codes alone.
void ActivationPlanner::drop_what_nobody_wants() {
  std::vector<Member> kept;
  for (size_t i = members_.size(); i-- > 0;) {
    Member& member = members_[i];
    const NodeInfo& node = context_.index.node(member.node);
    const bool named = member.asked.form_named;
    if (!named && !is_wanted(member)) {
      const bool product = member.op->kind == StaticKind::kProduct;
      if (!product && !follows_alone(context_.index, node)) {
        float_nodes_.push_back(
            {member.node, decider_.book().reason(member.asked.rule, "only float nodes or callers read its result")});
        member_of_.erase(member.node);
        continue;
      }
      member.gives_codes =
          !product || !may_give_floats(context_.index, node) || !accelerator_allows_floats(context_, node);
    }
    kept.push_back(std::move(member));
  }
  std::reverse(kept.begin(), kept.end());
  members_ = std::move(kept);
  member_of_.clear();
  for (size_t i = 0; i < members_.size(); ++i) member_of_.emplace(members_[i].node, i);
  std::stable_sort(float_nodes_.begin(), float_nodes_.end(),
                   [](const FloatNode& a, const FloatNode& b) { return a.node < b.node; });
}

// Sites among the constants change their form here; what is too small to be a site is added later.
void ActivationPlanner::take_constants(const Member& member) {
  if (member.op->kind != StaticKind::kComputes) return;
  const NodeInfo& node = context_.index.node(member.node);
  for (const int number : context_.survey.sites_of_node[static_cast<size_t>(member.node.value)]) {
    const Site& site = context_.survey.sites[static_cast<size_t>(number)];
    if (!is_data_input(*member.op, node, static_cast<size_t>(site.input))) continue;
    Choice& choice = choices_[static_cast<size_t>(number)];
    choice.form = Form::kQdq;
    choice.spec = constant_spec(member.type, member.symmetry);
    choice.stored_type = member.type;
    choice.placement = {};
    choice.cost.clear();
    choice.reason = decider_.book().reason(member.asked.rule, "an operand of static " + node.proto->op_type());
  }
}

int ActivationPlanner::group_of(const Slot& slot) {
  const auto [entry, is_new] = groups_.try_emplace(slot, static_cast<int>(slots_.size()));
  if (is_new) {
    parent_.push_back(entry->second);
    slots_.push_back(slot);
  }
  int root = entry->second;
  while (parent_[static_cast<size_t>(root)] != root) root = parent_[static_cast<size_t>(root)];
  return root;
}

void ActivationPlanner::join(int a, int b) { parent_[static_cast<size_t>(std::max(a, b))] = std::min(a, b); }

void ActivationPlanner::make_groups() {
  for (const Member& member : members_) {
    const NodeInfo& node = context_.index.node(member.node);
    std::vector<Slot> own;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (is_data_input(*member.op, node, i) && !context_.constants.find(node.inputs[i]))
        own.push_back(slot_of(member, node.inputs[i]));
    }
    for (const ValueId output : node.outputs) {
      if (output.valid() && member.gives_codes) own.push_back(slot_of(member, output));
    }
    const bool shared = member.op->kind == StaticKind::kCarries || member.op->kind == StaticKind::kJoins;
    for (const Slot& slot : own) {
      const int group = group_of(slot);
      if (shared) join(group_of(own[0]), group);
    }
  }
  ranges_.resize(slots_.size());
  for (const Slot& slot : slots_) {
    const KnownRange known = range_of(context_, slot.value);
    if (!known.range) continue;
    const quant::ActivationRange useful = range_for(slot, *known.range);
    quant::ActivationRange& range = ranges_[static_cast<size_t>(group_of(slot))];
    range.low = std::min(range.low, useful.low);
    range.high = std::max(range.high, useful.high);
  }
}

// The range that is worth codes, or that of the one scale which the target takes for this result.
quant::ActivationRange ActivationPlanner::range_for(const Slot& slot, const quant::ActivationRange& seen) const {
  const NodeId maker = context_.index.value(slot.value).producer;
  if (maker.valid() && member_of_.contains(maker)) {
    if (const auto fixed = fixed_scale(context_, context_.index.node(maker), slot.type)) {
      const auto end = [&](int64_t code) {
        return static_cast<float>(fixed->scale * static_cast<double>(code - fixed->zero_point));
      };
      return {.low = end(quant::least_code(slot.type)), .high = end(quant::largest_code(slot.type))};
    }
  }
  return useful_range(context_, slot.value, seen);
}

// Relu and Clip whose limits are the ends of their output's codes need not be computed: rounding to the codes does it.
void ActivationPlanner::fold_clips() {
  for (Member& member : members_) {
    const NodeInfo& node = context_.index.node(member.node);
    if (!follows_alone(context_.index, node)) continue;
    const auto maker = member_of_.find(context_.index.value(node.inputs[0]).producer);
    if (maker == member_of_.end()) continue;
    const Member& before = members_[maker->second];
    const bool own_range = before.op->kind == StaticKind::kProduct || before.op->kind == StaticKind::kComputes;
    if (!own_range || before.in_range_of_input || before.type != member.type || before.symmetry != member.symmetry)
      continue;
    member.in_range_of_input = ends_where_it_clips(member);
  }
}

bool ActivationPlanner::ends_where_it_clips(const Member& member) {
  const NodeInfo& node = context_.index.node(member.node);
  const std::optional<quant::ActivationRange> limits = clip_limits(context_, node);
  if (!limits) return false;
  const int group = group_of(slot_of(member, node.outputs[0]));
  const quant::ActivationParameters parameters =
      quant::activation_parameters(ranges_[static_cast<size_t>(group)], member.type, member.symmetry);
  const double scale = parameters.scale, half_step = scale / 2;
  return scale * (quant::least_code(member.type) - parameters.zero_point) >= limits->low - half_step &&
         scale * (quant::largest_code(member.type) - parameters.zero_point) <= limits->high + half_step;
}

}  // namespace vetquant::plan
