#include "vetquant/plan/plan.h"

#include <algorithm>

#include "activations.h"
#include "assemble.h"
#include "conflicts.h"
#include "coupling.h"
#include "coverage.h"
#include "decide.h"
#include "expectation.h"
#include "half.h"
#include "notes.h"
#include "survey.h"

namespace vetquant {
namespace plan {
namespace {

constexpr int kRounds = 3;  // coupling and unifying may undo each other once; then storage-only forms are left

std::vector<Group> settle(const Decider& decider, std::vector<Choice>& choices, std::vector<std::string>& notes) {
  couple(decider, choices);
  std::vector<Group> groups;
  for (int round = 0; round < kRounds; ++round) {
    notes.clear();
    groups = unify(decider, choices, notes);
    if (couple(decider, choices) == 0) break;
  }
  return groups;
}

void add_half_nodes(const Decider& decider, const ConstantFinder& constants, Plan& result) {
  std::vector<PlannedNode> extra = half_nodes_without_weights(decider, constants);
  result.nodes.insert(result.nodes.end(), std::make_move_iterator(extra.begin()), std::make_move_iterator(extra.end()));
  std::stable_sort(result.nodes.begin(), result.nodes.end(),
                   [](const PlannedNode& a, const PlannedNode& b) { return a.node < b.node; });
}

Plan plan_surveyed(const GraphIndex& index, const ConstantFinder& constants, const Survey& survey, const Policy& policy,
                   const TargetProfile& target, const PlanOptions& options) {
  Plan result;
  result.put_back = options.put_back;
  result.policy_name = policy.name;
  result.clean_up = policy.clean_up;
  result.policy_digest = policy.digest;
  result.target_name = target.name;
  result.target_digest = target.digest;
  const FormContext context{.index = index,
                            .constants = constants,
                            .policy = policy,
                            .target = target,
                            .survey = survey,
                            .statistics = options.statistics,
                            .put_back = &options.put_back};
  const RuleBook book(policy, index);
  const Decider decider(context, book);
  std::vector<Choice> choices;
  choices.reserve(survey.sites.size());
  for (const Site& site : survey.sites) choices.push_back(decider.decide(site));
  std::vector<std::string> notes;
  const std::vector<Group> groups = settle(decider, choices, notes);
  ActivationPlanner activations(decider, choices);
  activations.choose();
  assemble(context, choices, groups, result);
  activations.add_to(result);
  result.notes = survey.notes;
  result.notes.insert(result.notes.end(), notes.begin(), notes.end());
  add_half_nodes(decider, constants, result);
  check_coverage(decider, constants, choices, result);
  add_notes(index, target, result);
  note_expectations(target, result);
  return result;
}

}  // namespace
}  // namespace plan

Plan make_plan(const Model&, const GraphIndex& index, const ConstantFinder& constants, const Policy& policy,
               const TargetProfile& target, const PlanOptions& options) {
  plan::Survey survey =
      plan::survey_sites(index, constants, infer_types(index, options.shapes), policy.tensors.min_elements);
  if (policy.tensors.tied == Tied::kTogether) plan::mark_ties(survey);
  return plan::plan_surveyed(index, constants, survey, policy, target, options);
}

}  // namespace vetquant
