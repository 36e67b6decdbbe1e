// Which rule decides: first match wins, the defaults stand behind the last rule.
#pragma once

#include <string>
#include <vector>

#include "paths.h"
#include "site.h"

namespace vetquant::plan {

// What is asked of a weight: the rule's keys over the defaults' ones.
struct Wish {
  Use use;
  size_t rule = 0;
  // What does not fit is an obstacle. Under `on_unsupported: keep` the nearest granularity that fits is taken instead,
  // and the reason says so.
  bool block_hard = false, granularity_hard = false;
};

class RuleBook {
 public:
  // Error{kUsage} at a rule's position: a bad regular expression, `between` values that do not exist.
  RuleBook(const Policy& policy, const GraphIndex& index);

  size_t count() const { return policy_.rules.size(); }  // also stands for the defaults
  // The first rule from `from` on that matches, or count().
  size_t first_for(const Site& site, size_t from) const;
  size_t first_for(NodeId node) const;  // of a node without weights: only by node, op, scope, between
  bool matches(size_t rule, const Site& site) const;
  bool matches(size_t rule, NodeId node) const;

  Wish wish_of(size_t rule) const;         // rule, then defaults; count(): the defaults
  std::string name_of(size_t rule) const;  // "decoder feed-forward", "rule 3", "defaults"
  SourcePosition position_of(size_t rule) const;
  Reason reason(size_t rule, std::string text) const;
  // Does the rule name weights one by one (by tensor or input), or operators?
  bool names_tensors(size_t rule) const;
  bool names_operators(size_t rule) const;

 private:
  bool on_path(size_t rule, NodeId node) const;
  MatchSubject subject_of(NodeId node) const;

  const Policy& policy_;
  const GraphIndex& index_;
  std::vector<Matcher> matchers_;
  std::vector<std::optional<NodeSet>> paths_;  // of rules with `between`
};

}  // namespace vetquant::plan
