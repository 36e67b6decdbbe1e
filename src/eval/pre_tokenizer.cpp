#include "pre_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdexcept>

#include "vetquant/core/error.h"

namespace vetquant {
namespace {

constexpr size_t kLongestPattern = 8192;
constexpr uint32_t kMostSteps = 10'000'000;
constexpr uint32_t kMostHeapKiB = 65536;
constexpr uint32_t kDeepestParentheses = 50;

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
  pcre2_compile_context* compiling = pcre2_compile_context_create(nullptr);
  pcre2_match_context* matching = pcre2_match_context_create(nullptr);
  pcre2_code* code = nullptr;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    pcre2_code_free(code);
    pcre2_match_context_free(matching);
    pcre2_compile_context_free(compiling);
  }
};

SplitRegex::SplitRegex(const std::string& written) : state_(std::make_unique<State>()) {
  if (written.size() > kLongestPattern)
    throw std::invalid_argument("it is longer than " + std::to_string(kLongestPattern) + " characters");
  const std::string pattern = with_spaces_spelled_out(written);
  pcre2_set_parens_nest_limit(state_->compiling, kDeepestParentheses);
  pcre2_set_match_limit(state_->matching, kMostSteps);
  pcre2_set_heap_limit(state_->matching, kMostHeapKiB);
  int error = 0;
  PCRE2_SIZE offset = 0;
  state_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                               PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset, state_->compiling);
  if (state_->code != nullptr) return;
  PCRE2_UCHAR message[256] = {};
  pcre2_get_error_message(error, message, sizeof message);
  throw std::invalid_argument(reinterpret_cast<const char*>(message));
}

SplitRegex::~SplitRegex() = default;
SplitRegex::SplitRegex(SplitRegex&&) noexcept = default;

std::vector<SplitRegex::Match> SplitRegex::matches(std::string_view text) const {
  const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> data(
      pcre2_match_data_create_from_pattern(state_->code, nullptr), &pcre2_match_data_free);
  std::vector<Match> found;
  for (size_t at = 0; at < text.size();) {
    const int result = pcre2_match(state_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at,
                                   PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, data.get(), state_->matching);
    if (result == PCRE2_ERROR_NOMATCH) break;
    const PCRE2_SIZE* const ends = pcre2_get_ovector_pointer(data.get());
    if (result < 0 || ends[1] <= at || ends[0] < at)
      throw Error(ErrorCode::kUsage, "the pattern of the tokenizer's pre_tokenizer takes too many steps on this text");
    found.push_back({ends[0], ends[1]});
    at = ends[1];
  }
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
