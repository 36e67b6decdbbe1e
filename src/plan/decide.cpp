#include "decide.h"

#include <onnx/onnx_pb.h>

#include <algorithm>

#include "accelerator_rules.h"
#include "expectation.h"
#include "samples.h"
#include "vetquant/core/text.h"

namespace vetquant::plan {
namespace {

// Rows shorter than this are coordinates (anchors, grids) rather than weights, and their scales would eat what codes save.
constexpr int64_t kLeastRow = 16;

bool is_half_type(DType type) { return type == DType::kFloat16 || type == DType::kBfloat16; }

std::string with(const std::string& text, const std::string& addition) {
  return addition.empty() ? text : text + "; " + addition;
}

// Preferences that compete: the one with the least expected time wins, the earlier of equals.
class Contest {
 public:
  bool begun() const { return best_.has_value(); }
  void enter(Choice choice, double share) {
    // A further row for the same form, such as one that a profile inherits, has nothing to add.
    if (!entered_.insert({choice.form, choice.accuracy_level}).second) return;
    if (best_ && share >= share_) return;
    best_ = std::move(choice);
    share_ = share;
  }
  Choice winner() {
    if (entered_.size() > 1) {
      best_->reason.text += "; the fastest of " + std::to_string(entered_.size()) + " forms by the target's costs";
    }
    return std::move(*best_);
  }

 private:
  std::optional<Choice> best_;
  double share_ = 0;
  std::set<std::pair<Form, int>> entered_;  // forms and their accuracy levels
};

}  // namespace

Choice Decider::keep(const Wish& wish, std::string text) const {
  Choice choice;
  choice.use = wish.use;
  choice.rule = wish.rule;
  choice.reason = book_.reason(wish.rule, std::move(text));
  return choice;
}

Choice Decider::decide(const Site& site, const FormSet& forbidden) const {
  const NodeInfo& node = context_.index.node(site.node);
  if (std::string why = never_because(site.role, *node.proto); !why.empty()) {
    Choice choice = keep(Wish{.use = {}, .rule = book_.count()}, std::move(why));
    choice.reason.rule = "built in";
    choice.reason.position = {};
    return choice;
  }
  size_t rule = book_.first_for(site, 0);
  while (true) {
    const Wish wish = book_.wish_of(rule);
    std::variant<Choice, Obstacle> result = attempt(site, wish, forbidden);
    if (auto* choice = std::get_if<Choice>(&result)) return std::move(*choice);
    const Obstacle& obstacle = std::get<Obstacle>(result);
    switch (context_.policy.on_unsupported) {
      case OnUnsupported::kKeep:
        return keep(wish, "cannot be done: " + obstacle.text);
      case OnUnsupported::kNextRule:
        if (rule < book_.count()) {
          rule = book_.first_for(site, rule + 1);
          continue;
        }
        break;
      case OnUnsupported::kError:
        break;
    }
    throw Error(obstacle.code,
                obstacle.text + " (" + site.name + " at " + node.address +
                    "); change the rule, or say `on_unsupported: keep` to leave such weights float",
                book_.position_of(rule).text());
  }
}

// Biases, norms and other vectors are small and sensitive: they stay float unless a rule names them.
std::optional<Choice> Decider::kept_by_role(const Site& site, const Wish& wish) const {
  if (book_.names_tensors(wish.rule)) return std::nullopt;
  const std::string name_it = "; a rule with `tensor:` or `input:` takes it";
  if (site.role == InputRole::kBias) return keep(wish, "a bias or other vector stays float" + name_it);
  if (site.role == InputRole::kNorm) {
    if (book_.names_operators(wish.rule) && site.view.shape().size() > 1) return std::nullopt;
    return keep(wish, "scale or shift of a normalisation stays float" + name_it);
  }
  if (site.view.shape().size() == 1) return keep(wish, "a vector stays float" + name_it);
  const bool by_nature = site.role == InputRole::kElementwise || site.role == InputRole::kGeneric;
  if (by_nature && site.view.shape().back() < kLeastRow) {
    return keep(wish, "rows of " + std::to_string(site.view.shape().back()) +
                          ": coordinates or settings rather than weights" + name_it);
  }
  if (site.role == InputRole::kElementwise && looks_like_mask(site.view)) {
    return keep(wish, "holds infinities or numbers as large: a mask, not a weight");
  }
  return std::nullopt;
}

std::variant<Choice, Obstacle> Decider::attempt(const Site& site, const Wish& wish, const FormSet& forbidden) const {
  const Use& use = wish.use;
  const PutBack* back = context_.put_back_at(site.node);
  if (back != nullptr && back->type == DType::kFloat32) return keep(wish, back->reason);
  if (use.keep) return keep(wish, "the rule keeps it float");
  if (!use.weights) return keep(wish, "the policy asks for no type of weights");
  if (*use.weights == DType::kFloat32) return keep(wish, "the policy asks for fp32");
  std::variant<Choice, Obstacle> result =
      is_half_type(*use.weights) ? attempt_half(site, wish) : attempt_codes(site, wish, forbidden);
  // The small matrix of an LSTM came along for the one form that takes both.
  const auto* choice = std::get_if<Choice>(&result);
  const bool small = site.elements < static_cast<uint64_t>(context_.policy.tensors.min_elements);
  if (small && (choice == nullptr || choice->form != Form::kDynamicLstm))
    return keep(wish, "smaller than tensors.min_elements");
  return result;
}

std::variant<Choice, Obstacle> Decider::attempt_codes(const Site& site, const Wish& wish,
                                                      const FormSet& forbidden) const {
  const Use& use = wish.use;
  if (std::optional<Choice> kept = kept_by_role(site, wish)) return std::move(*kept);
  if (!use.form) return attempt_auto(site, wish, forbidden);
  if (forbidden.contains(form_of(*use.form))) {
    return Obstacle{std::string(name_of(*use.form)) + ": W and R of the LSTM would not both take it"};
  }
  std::variant<Choice, Obstacle> result = attempt_form(site, wish, *use.form);
  if (auto* choice = std::get_if<Choice>(&result)) {
    choice->form_named = true;
    choice->reason.text = with("the policy names the form " + std::string(name_of(*use.form)), choice->reason.text);
  }
  return result;
}

std::variant<Choice, Obstacle> Decider::attempt_form(const Site& site, const Wish& wish, FormChoice form) const {
  Trial trial = try_form(context_, site, wish, form);
  if (trial.obstacle) return *trial.obstacle;
  Choice choice;
  choice.form = form_of(form);
  choice.use = wish.use;
  choice.spec = trial.spec;
  choice.stored_type = trial.spec.code_type;
  choice.placement = std::move(trial.placement);
  choice.accuracy_level = trial.accuracy_level;
  choice.rule = wish.rule;
  choice.reason = book_.reason(wish.rule, std::move(trial.adapted));
  choice.cost = cost_of(site, choice);
  return choice;
}

bool Decider::works_in_fp16(NodeId node) const {
  const std::string op = qualified_op(*context_.index.node(node).proto);
  return std::any_of(context_.target.fp16_ops.begin(), context_.target.fp16_ops.end(),
                     [&](const std::string& glob) { return glob == "*" || glob_matches(glob, op); });
}

std::variant<Choice, Obstacle> Decider::attempt_half(const Site& site, const Wish& wish) const {
  const DType wanted = *wish.use.weights, source = site.view.dtype();
  const std::string type(name_of(wanted));
  if (source == DType::kFloat16 || source == DType::kBfloat16)
    return keep(wish, "is " + std::string(name_of(source)) + " already");
  const NodeInfo& node = context_.index.node(site.node);
  const int64_t opset = context_.index.opset(node.scope, "");
  if (opset < 7) return Obstacle{"stored halves need opset 7, the model has " + std::to_string(opset)};
  if (wanted == DType::kBfloat16 && opset < 13) {
    return Obstacle{"bf16 storage needs opset 13 (Cast), the model has " + std::to_string(opset) + "; use fp16"};
  }
  Choice choice;
  choice.use = wish.use;
  choice.rule = wish.rule;
  choice.stored_type = wanted;
  choice.form = Form::kHalfStorage;
  std::string text = type + " stored, cast to float once at load";
  const DType compute = wish.use.compute.value_or(context_.target.fp16_compute_default);
  if (compute == DType::kFloat16) {
    if (wanted != DType::kFloat16) {
      text += ": computing in fp16 needs fp16 weights";
    } else if (source != DType::kFloat32) {
      text += ": the node computes in " + std::string(name_of(source));
    } else if (!works_in_fp16(site.node)) {
      text += ": target " + context_.target.name + " has no fp16 kernel for " + qualified_op(*node.proto);
    } else {
      choice.form = Form::kHalfCompute;
      text = "fp16 stored and computed";
    }
  }
  choice.reason = book_.reason(wish.rule, std::move(text));
  return choice;
}

bool Decider::rows_fit(const FormPreference& row, const Rows& rows) const {
  if (!row.min_rows && !row.max_rows) return !rows.unknown() || row.rows_unknown;
  if (rows.unknown()) return row.rows_unknown;
  if (row.min_rows && rows.count < *row.min_rows) return rows.at_least && row.rows_unknown;
  if (row.max_rows && (rows.count > *row.max_rows || (rows.at_least && !row.rows_unknown))) return false;
  return true;
}

bool Decider::row_fits(const FormPreference& row, const Site& site, const Use& use) const {
  const NodeInfo& node = context_.index.node(site.node);
  const std::string op = qualified_op(*node.proto);
  const bool serves = row.ops.empty() || std::any_of(row.ops.begin(), row.ops.end(), [&](const std::string& glob) {
                        return glob == "*" || glob_matches(glob, op);
                      });
  if (!serves) return false;
  if (!row.weights.empty() && std::find(row.weights.begin(), row.weights.end(), *use.weights) == row.weights.end())
    return false;
  const Activations wish = use.activations.value_or(Activations::kAuto);
  if (!row.activations.empty() &&
      std::find(row.activations.begin(), row.activations.end(), wish) == row.activations.end())
    return false;
  if (row.language_model && *row.language_model != context_.survey.language_model) return false;
  const bool in_subgraph = context_.index.scope(node.scope).kind == ScopeKind::kSubgraph;
  return !row.in_subgraph || *row.in_subgraph == in_subgraph;
}

const FormPreference* Decider::row_for(const Site& site, const Use& use, FormChoice form) const {
  for (const FormPreference& row : context_.target.preferences) {
    if (row.use.form == form && row_fits(row, site, use)) return &row;
  }
  return nullptr;
}

Use Decider::filled_in(const Site& site, const Use& wish, const FormPreference& row) {
  constexpr uint64_t kScalesThatPay = 2048;  // one byte each: the grid's 1 KiB and two nodes with their names
  Use use = layered(wish, row.use);
  const uint64_t scales = site.elements / static_cast<uint64_t>(use.block.value_or(1));
  if (!wish.scales && use.scales == ScaleType::kLog8 && scales < kScalesThatPay) use.scales = ScaleType::kFloat16;
  return use;
}

std::variant<Choice, Obstacle> Decider::attempt_auto(const Site& site, const Wish& wish,
                                                     const FormSet& forbidden) const {
  const Rows rows = rows_at(context_.index, context_.survey.types, site);
  const bool product = site.kind == SiteKind::kMatMulB || site.kind == SiteKind::kGemmB;
  Contest contest;
  std::string why_not;
  for (const FormPreference& row : context_.target.preferences) {
    if (!row_fits(row, site, wish.use) || (product && !rows_fit(row, rows))) continue;
    if (contest.begun() && !row.competes) break;
    const std::string why = std::string(name_of(*wish.use.weights)) + " weights" +
                            (product ? ", " + to_string(rows) : "") + ": " + row.reason + " (" + row.position.text() +
                            ")";
    if (row.use.keep) return keep(wish, why);
    if (!row.use.form || *row.use.form == FormChoice::kAuto || forbidden.contains(form_of(*row.use.form))) continue;
    Wish filled = wish;
    filled.use = filled_in(site, wish.use, row);
    std::variant<Choice, Obstacle> result = attempt_form(site, filled, *row.use.form);
    auto* choice = std::get_if<Choice>(&result);
    if (choice == nullptr) {
      const Obstacle& obstacle = std::get<Obstacle>(result);
      if (obstacle.code == ErrorCode::kUsage) return result;
      // Static activations that the accelerator does not take so are no wish for another form.
      if (row.use.form == FormChoice::kQdq) {
        const PlannedWeight weight{.type = *filled.use.weights,
                                   .symmetry = spec_of(filled.use).symmetry,
                                   .granularity = filled.use.granularity.value_or(Granularity::kChannel)};
        if (accelerator_obstacle(context_, context_.index.node(site.node), filled.use, weight)) return result;
      }
      if (why_not.empty()) why_not = obstacle.text;
      continue;
    }
    choice->reason.text = with(why, choice->reason.text);
    std::optional<double> share;
    if (row.competes && !rows.unknown()) share = expected_share(context_.target.costs, site, *choice, rows);
    if (share) {
      contest.enter(std::move(*choice), *share);
    } else if (!contest.begun()) {
      return result;
    }
  }
  if (contest.begun()) return contest.winner();
  if (!why_not.empty()) return Obstacle{why_not};
  return Obstacle{"target " + context_.target.name + " prefers no form for " +
                  qualified_op(*context_.index.node(site.node).proto) + " with " +
                  std::string(name_of(*wish.use.weights)) + " weights; name one with `form:`"};
}

std::string Decider::cost_of(const Site& site, const Choice& choice) const {
  const uint64_t float_bytes = bytes_of(site.view.dtype(), site.elements);
  if (choice.form == Form::kDequantize) {
    const bool fuses = site.kind == SiteKind::kMatMulB || site.kind == SiteKind::kGemmB;
    return "dequantizes " + human_bytes(float_bytes) + " at every call" +
           (fuses ? ", or becomes MatMulNBits at accuracy_level 4 (activations rounded) in ONNX Runtime" : "");
  }
  if (choice.form == Form::kFoldAtLoad && site.role == InputRole::kTable)
    return "the table takes " + human_bytes(float_bytes) + " of memory as float";
  if (choice.form == Form::kMatMulNBits && bits_of(choice.stored_type) == 8 && choice.accuracy_level < 4) {
    return "8 bits at accuracy_level " + std::to_string(choice.accuracy_level) +
           " are about 20x slower than float for few rows";
  }
  const std::optional<FormChoice> named = choice_of(choice.form);
  const FormSupport* support = named ? context_.target.find(*named) : nullptr;
  return support == nullptr ? std::string() : support->slow_because;
}

}  // namespace vetquant::plan
