// PCRE2 with bounds on its patterns, steps and memory: patterns come from policies and tokenizer files, which may be
// hostile. May be used by several threads at once.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace vetquant {

// Why a pattern is none: "missing closing parenthesis"; and where in it, as PCRE2 counts.
struct BadPattern : std::invalid_argument {
  BadPattern(const std::string& what, size_t at) : std::invalid_argument(what), offset(at) {}
  size_t offset;
};

class BoundedRegex {
 public:
  enum class Kind {
    kWholeText,  // matches a text as a whole; bytes that are no UTF-8 match nothing
    kWords,      // finds the matches in valid UTF-8; \w, \d and their like go by Unicode's properties
  };
  struct Bounds {
    uint32_t steps, heap_kib;
  };
  enum class Outcome { kNone, kFound, kTooManySteps };
  struct Match {
    size_t begin, end;
  };

  BoundedRegex(const std::string& pattern, Kind kind, const Bounds& bounds);  // throws BadPattern
  ~BoundedRegex();
  BoundedRegex(BoundedRegex&&) noexcept;

  Outcome matches(std::string_view text) const;
  // Appends all that follow each other without overlap; none of them is empty. What was found before too many steps stays.
  Outcome find_all(std::string_view text, std::vector<Match>& found) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vetquant
