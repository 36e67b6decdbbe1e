#include "address_regex.h"

#include <stdexcept>

#include "vetquant/policy/bounded_regex.h"

namespace vetquant {
namespace {

constexpr size_t kLongestPattern = 4096;
constexpr BoundedRegex::Bounds kBounds{.steps = 200'000, .heap_kib = 4096};

// Names in models are bytes: what is no UTF-8 never matches, and is no error.
BoundedRegex compiled(const std::string& pattern) {
  if (pattern.size() > kLongestPattern)
    throw std::invalid_argument("it is longer than " + std::to_string(kLongestPattern) + " characters");
  try {
    return BoundedRegex(pattern, BoundedRegex::Kind::kWholeText, kBounds);
  } catch (const BadPattern& bad) {
    throw std::invalid_argument(std::string(bad.what()) + " (at offset " + std::to_string(bad.offset) + ")");
  }
}

}  // namespace

struct Regex::State {
  BoundedRegex regex;
};

Regex::Regex(const std::string& pattern) : state_(new State{compiled(pattern)}) {}
Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;

Regex::Answer Regex::matches(std::string_view text) const {
  switch (state_->regex.matches(text)) {
    case BoundedRegex::Outcome::kFound:
      return Answer::kYes;
    case BoundedRegex::Outcome::kNone:
      return Answer::kNo;
    case BoundedRegex::Outcome::kTooManySteps:
      break;
  }
  return Answer::kTooManySteps;
}

}  // namespace vetquant
