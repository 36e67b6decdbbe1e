#include "word_marks.h"

#include <algorithm>
#include <cstdint>
#include <tuple>

namespace vetquant {
namespace {

std::vector<std::string_view> words_of(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\r\v\f";
  std::vector<std::string_view> words;
  for (size_t at = text.find_first_not_of(kSpace); at != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(kSpace, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(kSpace, end);
  }
  return words;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

struct TermPlace {
  size_t first = 0, count = 0;
};

std::vector<TermPlace> places_of(const std::vector<std::string>& terms, const std::vector<std::string_view>& words) {
  std::vector<TermPlace> places;
  for (const std::string& term : terms) {
    const std::vector<std::string_view> parts = words_of(term);
    if (parts.empty()) continue;
    for (size_t at = 0; at + parts.size() <= words.size(); ++at) {
      const auto here = words.begin() + static_cast<std::ptrdiff_t>(at);
      if (std::equal(parts.begin(), parts.end(), here, same_word)) places.push_back({at, parts.size()});
    }
  }
  return places;
}

enum class Step : uint8_t { kPair, kDelete, kInsert };

// From the end to the beginning; pairs are preferred, then deletions.
std::vector<Step> steps_of(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b) {
  const size_t width = b.size() + 1;
  std::vector<uint32_t> cost((a.size() + 1) * width);
  const auto at = [&](size_t i, size_t j) -> uint32_t& { return cost[i * width + j]; };
  for (size_t i = 0; i <= a.size(); ++i) at(i, 0) = static_cast<uint32_t>(i);
  for (size_t j = 0; j <= b.size(); ++j) at(0, j) = static_cast<uint32_t>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const uint32_t pair = at(i - 1, j - 1) + (a[i - 1] == b[j - 1] ? 0 : 1);
      at(i, j) = std::min({pair, at(i - 1, j) + 1, at(i, j - 1) + 1});
    }
  }
  std::vector<Step> steps;
  for (size_t i = a.size(), j = b.size(); i > 0 || j > 0;) {
    if (i > 0 && j > 0 && at(i, j) == at(i - 1, j - 1) + (a[i - 1] == b[j - 1] ? 0 : 1)) {
      steps.push_back(Step::kPair);
      --i, --j;
    } else if (i > 0 && at(i, j) == at(i - 1, j) + 1) {
      steps.push_back(Step::kDelete);
      --i;
    } else {
      steps.push_back(Step::kInsert);
      --j;
    }
  }
  std::reverse(steps.begin(), steps.end());
  return steps;
}

}  // namespace

MarkedAnswer mark_words(std::string_view reference, std::string_view answer, const std::vector<std::string>& terms) {
  std::vector<std::string_view> right = words_of(reference), said = words_of(answer);
  right.resize(std::min(right.size(), kMostWords));
  said.resize(std::min(said.size(), kMostWords));
  const std::vector<TermPlace> places = places_of(terms, right);
  std::vector<bool> of_term(right.size(), false), is_right(right.size(), false);
  for (const TermPlace& place : places)
    std::fill_n(of_term.begin() + static_cast<std::ptrdiff_t>(place.first), place.count, true);
  MarkedAnswer result;
  size_t i = 0, j = 0;
  for (const Step step : steps_of(right, said)) {
    MarkedWord word;
    word.term = step != Step::kInsert && of_term[i];
    if (step == Step::kInsert) {
      word.word = said[j++];
      word.kind = WordKind::kExtra;
    } else if (step == Step::kDelete) {
      word.word = right[i++];
      word.kind = WordKind::kMissing;
    } else {
      is_right[i] = right[i] == said[j];
      word.kind = is_right[i] ? WordKind::kRight : WordKind::kWrong;
      if (!is_right[i]) word.reference = right[i];
      word.word = said[j++];
      ++i;
    }
    if (word.kind != WordKind::kRight) ++result.errors;
    result.words.push_back(std::move(word));
  }
  for (const TermPlace& place : places) {
    const auto first = is_right.begin() + static_cast<std::ptrdiff_t>(place.first);
    if (std::find(first, first + static_cast<std::ptrdiff_t>(place.count), false) !=
        first + static_cast<std::ptrdiff_t>(place.count))
      ++result.lost_terms;
  }
  return result;
}

std::vector<MarkedExample> marked_examples(const std::vector<ErrorExample>& examples) {
  std::vector<MarkedExample> marked;
  for (const ErrorExample& example : examples) {
    MarkedExample entry{&example, mark_words(example.reference, example.baseline, example.terms),
                        mark_words(example.reference, example.candidate, example.terms)};
    if (entry.baseline.errors > 0 || entry.candidate.errors > 0) marked.push_back(std::move(entry));
  }
  const auto weight = [](const MarkedExample& entry) {
    const auto more = [](size_t a, size_t b) { return a > b ? a - b : 0; };
    return std::tuple(more(entry.candidate.lost_terms, entry.baseline.lost_terms), entry.candidate.lost_terms,
                      more(entry.candidate.errors, entry.baseline.errors), entry.candidate.errors);
  };
  std::stable_sort(marked.begin(), marked.end(), [&](const auto& a, const auto& b) { return weight(a) > weight(b); });
  return marked;
}

}  // namespace vetquant
