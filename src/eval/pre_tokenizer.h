// Cuts a text into the words within which tokens are joined, as the `pre_tokenizer` of a tokenizer.json says.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vetquant/policy/bounded_regex.h"

namespace vetquant {

// A pattern of the Oniguruma kind that tokenizer files hold, matched by PCRE2 with Unicode properties.
class SplitRegex {
 public:
  explicit SplitRegex(const std::string& pattern);  // std::invalid_argument says what is wrong
  ~SplitRegex();
  SplitRegex(SplitRegex&&) noexcept;

  using Match = BoundedRegex::Match;
  // Every match that is not empty, from left to right. Error{kUsage} where it takes too many steps.
  std::vector<Match> matches(std::string_view text) const;  // text: valid UTF-8

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string escaped_regex(std::string_view literal);

enum class SplitBehavior { kIsolated, kRemoved };
enum class SplitKeeps { kMatches, kBetween };  // kBetween: "invert", what lies between matches is what was looked for

struct SplitStep {
  std::unique_ptr<SplitRegex> regex;  // null: cuts nothing
  SplitBehavior behavior = SplitBehavior::kIsolated;
  SplitKeeps keeps = SplitKeeps::kMatches;
  bool adds_space = false;  // a word that does not begin with a space gets one
};

// The steps one after another, each on every word of the one before.
std::vector<std::string> pre_tokenized(const std::vector<SplitStep>& steps, std::string_view text);

extern const char* const kByteLevelPattern;  // GPT-2's
extern const char* const kEachDigitPattern;  // "Digits" with individual_digits
extern const char* const kDigitRunsPattern;

}  // namespace vetquant
