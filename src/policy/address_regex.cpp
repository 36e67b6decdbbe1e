#include "address_regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdexcept>

namespace vetquant {
namespace {

constexpr size_t kLongestPattern = 4096;
constexpr uint32_t kMostSteps = 200'000;
constexpr uint32_t kMostHeapKiB = 4096;
constexpr uint32_t kDeepestParentheses = 50;

}  // namespace

struct Regex::State {
  pcre2_compile_context* compiling = pcre2_compile_context_create(nullptr);
  pcre2_match_context* matching = pcre2_match_context_create(nullptr);
  pcre2_code* code = nullptr;
  pcre2_match_data* data = nullptr;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    pcre2_match_data_free(data);
    pcre2_code_free(code);
    pcre2_match_context_free(matching);
    pcre2_compile_context_free(compiling);
  }
};

Regex::Regex(const std::string& pattern) : state_(std::make_unique<State>()) {
  if (pattern.size() > kLongestPattern)
    throw std::invalid_argument("it is longer than " + std::to_string(kLongestPattern) + " characters");
  pcre2_set_parens_nest_limit(state_->compiling, kDeepestParentheses);
  pcre2_set_match_limit(state_->matching, kMostSteps);
  pcre2_set_heap_limit(state_->matching, kMostHeapKiB);
  int error = 0;
  PCRE2_SIZE offset = 0;
  // Names in models are bytes: what is no UTF-8 never matches, and is no error.
  const uint32_t options =
      PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
  state_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options, &error, &offset,
                               state_->compiling);
  if (state_->code == nullptr) {
    PCRE2_UCHAR message[256] = {};
    pcre2_get_error_message(error, message, sizeof message);
    throw std::invalid_argument(std::string(reinterpret_cast<const char*>(message)) + " (at offset " +
                                std::to_string(offset) + ")");
  }
  state_->data = pcre2_match_data_create_from_pattern(state_->code, nullptr);
}

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;

Regex::Answer Regex::matches(std::string_view text) const {
  const int result = pcre2_match(state_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0,
                                 state_->data, state_->matching);
  if (result >= 0) return Answer::kYes;
  return result == PCRE2_ERROR_NOMATCH ? Answer::kNo : Answer::kTooManySteps;
}

}  // namespace vetquant
