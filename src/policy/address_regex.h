// A regular expression over whole addresses (PCRE2), with bounds on its steps: policies are hostile input.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace vetquant {

class Regex {
 public:
  // The reason why `pattern` is none: std::invalid_argument, "missing closing parenthesis (at offset 12)".
  explicit Regex(const std::string& pattern);
  ~Regex();
  Regex(Regex&&) noexcept;

  enum class Answer { kNo, kYes, kTooManySteps };
  Answer matches(std::string_view text) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vetquant
