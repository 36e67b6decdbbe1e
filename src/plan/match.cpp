#include "match.h"

#include <onnx/onnx_pb.h>

#include <algorithm>

#include "roles.h"

namespace vetquant::plan {

RuleBook::RuleBook(const Policy& policy, const GraphIndex& index) : policy_(policy), index_(index) {
  matchers_.reserve(policy.rules.size());
  for (const Rule& rule : policy.rules) {
    matchers_.emplace_back(rule);
    if (rule.match.between.empty()) {
      paths_.emplace_back();
    } else {
      paths_.emplace_back(nodes_between(index, rule));
    }
  }
}

MatchSubject RuleBook::subject_of(NodeId node) const {
  const NodeInfo& info = index_.node(node);
  MatchSubject subject;
  subject.node_address = info.address;
  subject.scope_path = index_.scope(info.scope).path;
  subject.domain = info.proto->domain();
  subject.op = info.proto->op_type();
  return subject;
}

bool RuleBook::on_path(size_t rule, NodeId node) const {
  return !paths_[rule] || (*paths_[rule])[static_cast<size_t>(node.value)];
}

bool RuleBook::matches(size_t rule, const Site& site) const {
  if (!on_path(rule, site.node)) return false;
  MatchSubject subject = subject_of(site.node);
  subject.elements = static_cast<int64_t>(site.elements);
  subject.input = site.input;
  subject.tensor_address = site.name;
  if (matchers_[rule].matches(subject)) return true;
  if (policy_.rules[rule].match.tensor.empty()) return false;
  return std::any_of(site.aliases.begin(), site.aliases.end(), [&](const std::string& alias) {
    subject.tensor_address = alias;
    return matchers_[rule].matches(subject);
  });
}

bool RuleBook::matches(size_t rule, NodeId node) const {
  const Match& match = policy_.rules[rule].match;
  if (!match.tensor.empty() || match.input || match.min_elements || match.max_elements) return false;
  return on_path(rule, node) && matchers_[rule].matches(subject_of(node));
}

size_t RuleBook::first_for(const Site& site, size_t from) const {
  for (size_t rule = from; rule < count(); ++rule) {
    if (matches(rule, site)) return rule;
  }
  return count();
}

size_t RuleBook::first_for(NodeId node) const {
  for (size_t rule = 0; rule < count(); ++rule) {
    if (matches(rule, node)) return rule;
  }
  return count();
}

Wish RuleBook::wish_of(size_t rule) const {
  const bool strict = policy_.on_unsupported != OnUnsupported::kKeep;
  Wish wish{.use = policy_.defaults, .rule = rule, .block_hard = strict, .granularity_hard = strict};
  if (rule < count()) {
    const Use& own = policy_.rules[rule].use;
    wish.use = layered(own, policy_.defaults);
    wish.use.keep = own.keep;
    // What a rule says about granularity replaces all that the defaults say about it.
    if (own.granularity && *own.granularity != Granularity::kBlock && !own.block) wish.use.block.reset();
    if (own.block && !own.granularity) wish.use.granularity = Granularity::kBlock;
  }
  if (wish.use.block && !wish.use.granularity) wish.use.granularity = Granularity::kBlock;
  if (wish.use.form == FormChoice::kAuto) wish.use.form.reset();
  wish.block_hard &= wish.use.block.has_value();
  wish.granularity_hard &= wish.use.granularity.has_value();
  return wish;
}

std::string RuleBook::name_of(size_t rule) const {
  if (rule == count()) return "defaults";
  const std::string& name = policy_.rules[rule].name;
  return name.empty() ? "rule " + std::to_string(rule + 1) : name;
}

SourcePosition RuleBook::position_of(size_t rule) const {
  return rule == count() ? policy_.defaults_position : policy_.rules[rule].position;
}

Reason RuleBook::reason(size_t rule, std::string text) const {
  return Reason{.rule = name_of(rule), .position = position_of(rule), .text = std::move(text)};
}

bool RuleBook::names_tensors(size_t rule) const {
  return rule < count() && (!policy_.rules[rule].match.tensor.empty() || policy_.rules[rule].match.input);
}

bool RuleBook::names_operators(size_t rule) const {
  if (rule == count()) return false;
  const auto& ops = policy_.rules[rule].match.op;
  return std::any_of(ops.begin(), ops.end(), [](const std::string& op) { return op.find('*') == std::string::npos; });
}

}  // namespace vetquant::plan
