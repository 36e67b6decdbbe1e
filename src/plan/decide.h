// What happens at one site: the first rule that matches, the form that it names or that the target prefers.
#pragma once

#include <set>
#include <string>
#include <variant>

#include "form_rules.h"
#include "match.h"
#include "rows.h"

namespace vetquant::plan {

using FormSet = std::set<Form>;

class Decider {
 public:
  Decider(const FormContext& context, const RuleBook& book) : context_(context), book_(book) {}

  // Error{kUnsupported, kUsage} at the rule's position where it cannot be done and the policy says `error`.
  Choice decide(const Site& site, const FormSet& forbidden = {}) const;

  // One rule's wish alone: a choice (possibly to keep), or why it cannot be done.
  std::variant<Choice, Obstacle> attempt(const Site& site, const Wish& wish, const FormSet& forbidden) const;
  // The wish served by one form, with the layout that `wish` says.
  std::variant<Choice, Obstacle> attempt_form(const Site& site, const Wish& wish, FormChoice form) const;

  // The target's first row for this operator and type that chooses `form`, whatever the number of rows; null: none.
  const FormPreference* row_for(const Site& site, const Use& use, FormChoice form) const;
  // What a preference fills into a wish. Where it asks for the grid of log8 scales and the tensor has too few of them to
  // outweigh the grid itself, scales are halves.
  static Use filled_in(const Site& site, const Use& wish, const FormPreference& row);
  bool works_in_fp16(NodeId node) const;  // the target has a kernel
  const RuleBook& book() const { return book_; }
  const FormContext& context() const { return context_; }

 private:
  std::optional<Choice> kept_by_role(const Site& site, const Wish& wish) const;
  std::variant<Choice, Obstacle> attempt_codes(const Site& site, const Wish& wish, const FormSet& forbidden) const;
  std::variant<Choice, Obstacle> attempt_half(const Site& site, const Wish& wish) const;
  std::variant<Choice, Obstacle> attempt_auto(const Site& site, const Wish& wish, const FormSet& forbidden) const;
  bool row_fits(const FormPreference& row, const Site& site, const Use& use) const;
  bool rows_fit(const FormPreference& row, const Rows& rows) const;
  Choice keep(const Wish& wish, std::string text) const;
  std::string cost_of(const Site& site, const Choice& choice) const;

  const FormContext& context_;
  const RuleBook& book_;
};

}  // namespace vetquant::plan
