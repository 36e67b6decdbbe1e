#include "vetquant/eval/spoken_text.h"

#include <algorithm>
#include <map>

#include "spoken_numbers.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"
#include "vetquant/core/utf8.h"
#include "vetquant/eval/word_errors.h"

namespace vetquant {
namespace {

bool is_digit(uint32_t code) { return code >= '0' && code <= '9'; }

bool is_letter(uint32_t code) {
  return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') || (code >= 0xC0 && code < 0x2000);
}

uint32_t small_letter(uint32_t code) {
  if (code >= 'A' && code <= 'Z') return code + 32;
  if (code >= 0xC0 && code <= 0xDE && code != 0xD7) return code + 32;
  const bool odd_is_great = (code >= 0x139 && code <= 0x148) || (code >= 0x179 && code <= 0x17E);
  if (odd_is_great) return code % 2 == 1 ? code + 1 : code;
  if (code >= 0x100 && code <= 0x177 && code != 0x130 && code != 0x131 && code != 0x138) return code | 1;
  if (code == 0x178) return 0xFF;
  if (code >= 0x391 && code <= 0x3A9) return code + 32;
  if (code >= 0x410 && code <= 0x42F) return code + 32;
  if (code >= 0x400 && code <= 0x40F) return code + 80;
  return code;
}

bool is_punctuation(uint32_t code) {
  if (code < 0x80) return !is_digit(code) && !is_letter(code);
  return code < 0xC0 ? code != 0xB0 && code != 0xB5 : code >= 0x2000 && code < 0x2070;
}

// `kept`: signs that mean something to what follows.
std::string plain(std::string_view text, std::u32string_view kept) {
  std::vector<uint32_t> codes;
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_at(text, at);
    codes.push_back(step.code == 0x2019 ? U'\'' : step.code);
    at += step.bytes;
  }
  std::string out;
  for (size_t i = 0; i < codes.size(); ++i) {
    const uint32_t before = i > 0 ? codes[i - 1] : ' ', after = i + 1 < codes.size() ? codes[i + 1] : ' ';
    const uint32_t code = codes[i];
    if (code == ',' && is_digit(before) && is_digit(after)) continue;
    const bool inner =
        (code == '\'' && is_letter(before) && is_letter(after)) || (code == '.' && is_digit(before) && is_digit(after));
    if (inner || !is_punctuation(code)) {
      append_utf8(out, small_letter(code));
    } else if (kept.find(static_cast<char32_t>(code)) != kept.npos) {
      append_utf8(out += ' ', code);
      out += ' ';
    } else {
      out += ' ';
    }
  }
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) (out += out.empty() ? "" : " ") += word;
  return out;
}

uint64_t longest_common(const std::vector<std::string>& one, const std::vector<std::string>& other) {
  std::vector<uint64_t> above(other.size() + 1), here(other.size() + 1);
  for (const std::string& item : one) {
    for (size_t j = 1; j <= other.size(); ++j) {
      here[j] = item == other[j - 1] ? above[j - 1] + 1 : std::max(above[j], here[j - 1]);
    }
    std::swap(above, here);
  }
  return above.back();
}

}  // namespace

std::string name_of(TextNormalisation normalisation) {
  switch (normalisation) {
    case TextNormalisation::kNone:
      return "none";
    case TextNormalisation::kBasic1:
      return "basic-1";
    case TextNormalisation::kDictation1:
      return "dictation-1";
  }
  return {};
}

TextNormalisation text_normalisation(const std::string& name) {
  using enum TextNormalisation;
  for (const TextNormalisation one : {kNone, kBasic1, kDictation1}) {
    if (name_of(one) == name) return one;
  }
  throw Error(ErrorCode::kUsage, "'" + printable(name) + "' is no text normalisation: none, basic-1 or dictation-1");
}

std::string normalised(std::string_view text, TextNormalisation normalisation) {
  switch (normalisation) {
    case TextNormalisation::kNone:
      return std::string(text);
    case TextNormalisation::kBasic1:
      return joined(words_of(plain(text, U"")));
    case TextNormalisation::kDictation1:
      return joined(written_quantities(words_of(plain(text, U"%/"))));
  }
  return {};
}

FoundCounts& FoundCounts::operator+=(const FoundCounts& other) {
  reference += other.reference;
  hypothesis += other.hypothesis;
  matched += other.matched;
  return *this;
}

TermList::TermList(const std::vector<std::string>& terms, TextNormalisation normalisation) {
  for (const std::string& term : terms) {
    terms_.push_back(words_of(normalised(term, normalisation)));
    if (terms_.back().empty()) throw Error(ErrorCode::kUsage, "the term '" + printable(term) + "' holds no word");
  }
  std::stable_sort(terms_.begin(), terms_.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

std::vector<std::string> TermList::found_in(std::string_view normalised_text) const {
  const std::vector<std::string> words = words_of(normalised_text);
  std::vector<std::string> found;
  for (size_t at = 0; at < words.size();) {
    const auto begins_here = [&](const std::vector<std::string>& term) {
      return term.size() <= words.size() - at &&
             std::equal(term.begin(), term.end(), words.begin() + static_cast<std::ptrdiff_t>(at));
    };
    const auto term = std::find_if(terms_.begin(), terms_.end(), begins_here);
    if (term != terms_.end()) found.push_back(joined(*term));
    at += term != terms_.end() ? term->size() : 1;
  }
  return found;
}

FoundCounts TermList::compare(std::string_view reference, std::string_view hypothesis) const {
  const std::vector<std::string> said = found_in(reference), heard = found_in(hypothesis);
  std::map<std::string, uint64_t> left;
  for (const std::string& term : said) ++left[term];
  FoundCounts counts{said.size(), heard.size(), 0};
  for (const std::string& term : heard) {
    const auto open = left.find(term);
    if (open == left.end() || open->second == 0) continue;
    --open->second;
    ++counts.matched;
  }
  return counts;
}

FoundCounts compare_quantities(std::string_view dictation_reference, std::string_view dictation_hypothesis) {
  const auto said = quantities_of(dictation_reference), heard = quantities_of(dictation_hypothesis);
  return {said.size(), heard.size(), longest_common(said, heard)};
}

}  // namespace vetquant
