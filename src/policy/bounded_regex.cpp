#include "vetquant/policy/bounded_regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace vetquant {
namespace {

constexpr uint32_t kDeepestParentheses = 50;

using MatchData = std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)>;

PCRE2_SPTR units(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

uint32_t options_of(BoundedRegex::Kind kind) {
  constexpr uint32_t kAlways = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
  if (kind == BoundedRegex::Kind::kWords) return kAlways | PCRE2_UCP;
  return kAlways | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_MATCH_INVALID_UTF;
}

}  // namespace

struct BoundedRegex::State {
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

  MatchData match_data() const { return {pcre2_match_data_create_from_pattern(code, nullptr), &pcre2_match_data_free}; }
};

BoundedRegex::BoundedRegex(const std::string& pattern, Kind kind, const Bounds& bounds)
    : state_(std::make_unique<State>()) {
  pcre2_set_parens_nest_limit(state_->compiling, kDeepestParentheses);
  pcre2_set_match_limit(state_->matching, bounds.steps);
  pcre2_set_heap_limit(state_->matching, bounds.heap_kib);
  int error = 0;
  PCRE2_SIZE offset = 0;
  state_->code = pcre2_compile(units(pattern), pattern.size(), options_of(kind), &error, &offset, state_->compiling);
  if (state_->code != nullptr) return;
  PCRE2_UCHAR message[256] = {};
  pcre2_get_error_message(error, message, sizeof message);
  throw BadPattern(reinterpret_cast<const char*>(message), offset);
}

BoundedRegex::~BoundedRegex() = default;
BoundedRegex::BoundedRegex(BoundedRegex&&) noexcept = default;

BoundedRegex::Outcome BoundedRegex::matches(std::string_view text) const {
  const MatchData data = state_->match_data();
  const int result = pcre2_match(state_->code, units(text), text.size(), 0, 0, data.get(), state_->matching);
  if (result >= 0) return Outcome::kFound;
  return result == PCRE2_ERROR_NOMATCH ? Outcome::kNone : Outcome::kTooManySteps;
}

BoundedRegex::Outcome BoundedRegex::find_all(std::string_view text, std::vector<Match>& found) const {
  const MatchData data = state_->match_data();
  const size_t before = found.size();
  for (size_t at = 0; at < text.size();) {
    const int result = pcre2_match(state_->code, units(text), text.size(), at, PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY,
                                   data.get(), state_->matching);
    if (result == PCRE2_ERROR_NOMATCH) break;
    const PCRE2_SIZE* const ends = pcre2_get_ovector_pointer(data.get());
    // \K within a lookahead can turn a match around.
    if (result < 0 || ends[1] <= at || ends[0] < at) return Outcome::kTooManySteps;
    found.push_back({ends[0], ends[1]});
    at = ends[1];
  }
  return found.size() > before ? Outcome::kFound : Outcome::kNone;
}

}  // namespace vetquant
