#include "coverage.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <set>

#include "vetquant/core/text.h"

namespace vetquant::plan {
namespace {

enum class Coverage { kDecides, kShadowed, kOnlySmall, kOnlyNodes, kNothing };

class CoverageCheck {
 public:
  CoverageCheck(const Decider& decider, const ConstantFinder& constants, const std::vector<Choice>& choices, Plan& plan)
      : book_(decider.book()), context_(decider.context()), constants_(constants), plan_(plan) {
    for (const Choice& choice : choices) deciding_.insert(choice.rule);
    for (const PlannedNode& node : plan.nodes) half_rules_.insert(node.reason.rule);
  }

  void run() {
    for (size_t rule = 0; rule < book_.count(); ++rule) {
      if (context_.policy.rules[rule].inherited == Inherited::kYes) continue;
      report(rule, coverage_of(rule));
    }
  }

 private:
  Coverage coverage_of(size_t rule) const {
    if (deciding_.contains(rule) || half_rules_.contains(book_.name_of(rule))) return Coverage::kDecides;
    for (const Site& site : context_.survey.sites) {
      if (book_.matches(rule, site)) return Coverage::kShadowed;
    }
    const auto& nodes = context_.index.nodes();
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (book_.matches(rule, NodeId{static_cast<int32_t>(i)})) return Coverage::kOnlyNodes;
    }
    return matches_small(rule) ? Coverage::kOnlySmall : Coverage::kNothing;
  }

  // Does the rule name constants that are below min_elements?
  bool matches_small(size_t rule) const {
    const auto& nodes = context_.index.nodes();
    for (size_t i = 0; i < nodes.size(); ++i) {
      for (size_t input = 0; input < nodes[i].inputs.size(); ++input) {
        const ValueId value = nodes[i].inputs[input];
        const std::optional<TensorView> view = value.valid() ? constants_.find(value) : std::nullopt;
        if (!view) continue;
        Site site;
        site.node = NodeId{static_cast<int32_t>(i)};
        site.input = static_cast<int>(input);
        site.name = context_.index.address(value);
        site.elements = view->elements();
        if (!view->pieces().empty()) site.aliases.push_back(view->pieces()[0].stored->address);
        if (book_.matches(rule, site)) return true;
      }
    }
    return false;
  }

  void report(size_t rule, Coverage coverage) {
    const std::string where = book_.position_of(rule).text();
    const std::string name = "rule '" + book_.name_of(rule) + "'";
    const Use& use = context_.policy.rules[rule].use;
    const bool asks_nothing = use.keep || use.weights == DType::kFloat32;
    switch (coverage) {
      case Coverage::kDecides:
        return;
      case Coverage::kShadowed:
        plan_.warnings.push_back(where + ": " + name +
                                 " decides nothing: another rule decides every weight that it matches");
        return;
      case Coverage::kOnlySmall:
        plan_.warnings.push_back(where + ": " + name +
                                 " decides nothing: what it matches is smaller than tensors.min_elements (" +
                                 std::to_string(context_.policy.tensors.min_elements) + ") or no float weight");
        return;
      case Coverage::kOnlyNodes:
        if (!asks_nothing)
          plan_.warnings.push_back(where + ": " + name +
                                   " decides nothing: the nodes that it matches hold no float weights");
        return;
      case Coverage::kNothing:
        return unmatched(rule, where, name);
    }
  }

  void unmatched(size_t rule, const std::string& where, const std::string& name) {
    const std::string text = name + " matches nothing in this model" + hint(context_.policy.rules[rule].match);
    switch (context_.policy.on_unmatched_rule) {
      case OnUnmatchedRule::kIgnore:
        return;
      case OnUnmatchedRule::kWarn:
        plan_.warnings.push_back(where + ": " + text);
        return;
      case OnUnmatchedRule::kError:
        throw Error(ErrorCode::kUsage, text + "; or say `on_unmatched_rule: warn`", where);
    }
  }

  std::string hint(const Match& match) const {
    std::vector<std::string> ops, addresses, tensors;
    for (const NodeInfo& node : context_.index.nodes()) {
      ops.push_back(qualified_op(*node.proto));
      addresses.push_back(node.address);
    }
    for (const Site& site : context_.survey.sites) tensors.push_back(site.name);
    for (const auto& [patterns, known, what] :
         {std::tuple(&match.op, &ops, "operator"), std::tuple(&match.node, &addresses, "node"),
          std::tuple(&match.tensor, &tensors, "weight")}) {
      for (const std::string& pattern : *patterns) {
        if (std::any_of(known->begin(), known->end(),
                        [&](const std::string& word) { return glob_matches(pattern, word); }))
          continue;
        const std::string nearest = nearest_word(pattern, *known);
        return std::string(": no ") + what + " is called '" + printable(pattern) + "'" +
               (nearest.empty() ? "; `vetquant inspect` lists the addresses" : "; did you mean '" + nearest + "'?");
      }
    }
    return {};
  }

  const RuleBook& book_;
  const FormContext& context_;
  const ConstantFinder& constants_;
  Plan& plan_;
  std::set<size_t> deciding_;
  std::set<std::string> half_rules_;
};

}  // namespace

void check_coverage(const Decider& decider, const ConstantFinder& constants, const std::vector<Choice>& choices,
                    Plan& plan) {
  CoverageCheck(decider, constants, choices, plan).run();
}

}  // namespace vetquant::plan
