#include <algorithm>
#include <stdexcept>

#include "address_regex.h"
#include "vetquant/core/text.h"
#include "vetquant/policy/policy.h"

namespace vetquant {

struct Matcher::State {
  Match match;
  std::vector<Regex> regexes;
  SourcePosition position;
};

namespace {

bool any_glob(const std::vector<std::string>& globs, std::string_view text) {
  return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) { return glob_matches(glob, text); });
}

}  // namespace

Matcher::Matcher(const Rule& rule) : state_(std::make_unique<State>()) {
  state_->match = rule.match;
  state_->position = rule.position;
  for (const std::string& pattern : rule.match.node_regex) {
    try {
      state_->regexes.emplace_back(pattern);
    } catch (const std::invalid_argument& error) {
      throw Error(ErrorCode::kUsage,
                  "node_regex '" + printable(pattern, 60) + "' is no regular expression: " + error.what(),
                  rule.position.text());
    }
  }
}

Matcher::~Matcher() = default;
Matcher::Matcher(Matcher&&) noexcept = default;

bool Matcher::matches(const MatchSubject& subject) const {
  const Match& match = state_->match;
  if (match.min_elements && subject.elements < *match.min_elements) return false;
  if (match.max_elements && subject.elements > *match.max_elements) return false;
  if (match.input && subject.input != *match.input) return false;
  if (!match.op.empty()) {
    const bool standard = subject.domain.empty() || subject.domain == "ai.onnx";
    const std::string op = (standard ? std::string() : std::string(subject.domain) + ":") + std::string(subject.op);
    if (!any_glob(match.op, op)) return false;
  }
  if (!match.node.empty() && !any_glob(match.node, subject.node_address)) return false;
  if (!match.tensor.empty() && !any_glob(match.tensor, subject.tensor_address)) return false;
  if (!match.scope.empty() && !any_glob(match.scope, subject.scope_path)) return false;
  if (state_->regexes.empty()) return true;
  for (const Regex& regex : state_->regexes) {
    const Regex::Answer answer = regex.matches(subject.node_address);
    if (answer == Regex::Answer::kYes) return true;
    if (answer == Regex::Answer::kTooManySteps) {
      throw Error(ErrorCode::kUsage,
                  "node_regex takes too many steps on '" + printable(subject.node_address, 80) + "'; write it simpler",
                  state_->position.text());
    }
  }
  return false;
}

}  // namespace vetquant
