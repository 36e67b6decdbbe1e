#include "pre_tokenizer.h"

#include <stdexcept>

#include "vetquant/core/error.h"

namespace vetquant {
namespace {

constexpr size_t kLongestPattern = 8192;
constexpr BoundedRegex::Bounds kBounds{.steps = 10'000'000, .heap_kib = 65536};

// PCRE2 counts U+180E as a space, as Unicode did until 6.3; \s is written out.
std::string with_spaces_spelled_out(const std::string& pattern) {
  const std::string spaces = R"(\t\n\x0b\f\r\x{85}\p{Z})";
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c != '\\' || i + 1 == pattern.size()) {
      if (c == '[') in_class = true;
      if (c == ']') in_class = false;
      out += c;
      continue;
    }
    const char kind = pattern[++i];
    if (kind == 's') {
      out += in_class ? spaces : "[" + spaces + "]";
    } else if (kind == 'S' && !in_class) {
      out += "[^" + spaces + "]";
    } else {
      out += {'\\', kind};
    }
  }
  return out;
}

}  // namespace

const char* const kByteLevelPattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const char* const kEachDigitPattern = R"(\p{N})";
const char* const kDigitRunsPattern = R"(\p{N}+)";

struct SplitRegex::State {
  BoundedRegex regex;
};

SplitRegex::SplitRegex(const std::string& written) {
  if (written.size() > kLongestPattern)
    throw std::invalid_argument("it is longer than " + std::to_string(kLongestPattern) + " characters");
  state_.reset(new State{BoundedRegex(with_spaces_spelled_out(written), BoundedRegex::Kind::kWords, kBounds)});
}

SplitRegex::~SplitRegex() = default;
SplitRegex::SplitRegex(SplitRegex&&) noexcept = default;

std::vector<SplitRegex::Match> SplitRegex::matches(std::string_view text) const {
  std::vector<Match> found;
  if (state_->regex.find_all(text, found) == BoundedRegex::Outcome::kTooManySteps)
    throw Error(ErrorCode::kUsage, "the pattern of the tokenizer's pre_tokenizer takes too many steps on this text");
  return found;
}

std::string escaped_regex(std::string_view literal) {
  std::string out;
  for (const char c : literal) {
    if (std::string_view(R"(\^$.|?*+()[]{}#-)").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::vector<std::string> pre_tokenized(const std::vector<SplitStep>& steps, std::string_view text) {
  std::vector<std::string> words = {std::string(text)};
  for (const SplitStep& step : steps) {
    std::vector<std::string> cut;
    for (std::string& word : words) {
      if (step.adds_space && !word.starts_with(' ')) word.insert(word.begin(), ' ');
      if (!step.regex) {
        cut.push_back(std::move(word));
        continue;
      }
      const bool removes = step.behavior == SplitBehavior::kRemoved;
      const bool keeps_between = !removes || step.keeps == SplitKeeps::kMatches;
      const bool keeps_matches = !removes || step.keeps == SplitKeeps::kBetween;
      size_t at = 0;
      for (const auto& [begin, end] : step.regex->matches(word)) {
        if (begin > at && keeps_between) cut.push_back(word.substr(at, begin - at));
        if (keeps_matches) cut.push_back(word.substr(begin, end - begin));
        at = end;
      }
      if (at < word.size() && keeps_between) cut.push_back(word.substr(at));
    }
    words = std::move(cut);
  }
  return words;
}

}  // namespace vetquant
