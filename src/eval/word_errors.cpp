#include "vetquant/eval/word_errors.h"

#include <algorithm>
#include <limits>
#include <map>
#include <span>

#include "vetquant/core/utf8.h"

namespace vetquant {
namespace {

constexpr std::string_view kSpaces = " \t\n\r\f\v";

using Symbols = std::span<const uint32_t>;

// How the distance changes from one reference symbol to the next, for each prefix of the hypothesis: all that the way back
// needs, in two bits a cell.
struct Slopes {
  Slopes(Symbols reference, Symbols hypothesis);
  bool rises(size_t row, size_t column) const { return up[(row - 1) * width + column - 1]; }
  bool falls(size_t row, size_t column) const { return down[(row - 1) * width + column - 1]; }
  size_t width;
  std::vector<bool> up, down;  // [hypothesis, reference]
};

Slopes::Slopes(Symbols reference, Symbols hypothesis)
    : width(reference.size()), up(width * hypothesis.size()), down(up.size()) {
  std::vector<uint32_t> above(width + 1), here(width + 1);
  for (size_t column = 0; column <= width; ++column) above[column] = static_cast<uint32_t>(column);
  for (size_t row = 1; row <= hypothesis.size(); ++row) {
    here[0] = static_cast<uint32_t>(row);
    for (size_t column = 1; column <= width; ++column) {
      const uint32_t replaced = above[column - 1] + (reference[column - 1] == hypothesis[row - 1] ? 0 : 1);
      here[column] = std::min({replaced, above[column] + 1, here[column - 1] + 1});
      up[(row - 1) * width + column - 1] = here[column] > here[column - 1];
      down[(row - 1) * width + column - 1] = here[column] < here[column - 1];
    }
    std::swap(above, here);
  }
}

EditCounts align(Symbols reference, Symbols hypothesis) {
  EditCounts counts;
  const auto [first, other] = std::mismatch(reference.begin(), reference.end(), hypothesis.begin(), hypothesis.end());
  const auto prefix = static_cast<size_t>(first - reference.begin());
  reference = reference.subspan(prefix);
  hypothesis = hypothesis.subspan(prefix);
  const auto [last, match] =
      std::mismatch(reference.rbegin(), reference.rend(), hypothesis.rbegin(), hypothesis.rend());
  const auto suffix = static_cast<size_t>(last - reference.rbegin());
  reference = reference.first(reference.size() - suffix);
  hypothesis = hypothesis.first(hypothesis.size() - suffix);
  counts.hits = prefix + suffix;

  const Slopes slopes(reference, hypothesis);
  size_t column = reference.size(), row = hypothesis.size();
  while (row > 0 && column > 0) {
    if (slopes.rises(row, column)) {
      ++counts.deletions;
      --column;
      continue;
    }
    --row;
    if (row > 0 && slopes.falls(row, column)) {
      ++counts.insertions;
      continue;
    }
    --column;
    ++(reference[column] == hypothesis[row] ? counts.hits : counts.substitutions);
  }
  counts.deletions += column;
  counts.insertions += row;
  return counts;
}

std::vector<uint32_t> numbered(const std::vector<std::string>& words, std::map<std::string, uint32_t>& numbers) {
  std::vector<uint32_t> symbols;
  for (const std::string& word : words) {
    symbols.push_back(numbers.try_emplace(word, static_cast<uint32_t>(numbers.size())).first->second);
  }
  return symbols;
}

std::vector<uint32_t> characters_of(std::string_view text) {
  const size_t first = std::min(text.find_first_not_of(kSpaces), text.size());
  text = text.substr(first, text.find_last_not_of(kSpaces) + 1 - first);
  std::vector<uint32_t> symbols;
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_at(text, at);
    symbols.push_back(step.code);
    at += step.bytes;
  }
  return symbols;
}

}  // namespace

EditCounts& EditCounts::operator+=(const EditCounts& other) {
  hits += other.hits;
  substitutions += other.substitutions;
  deletions += other.deletions;
  insertions += other.insertions;
  return *this;
}

double error_rate(const EditCounts& counts) {
  if (counts.reference() == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(counts.errors()) / static_cast<double>(counts.reference());
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (size_t at = text.find_first_not_of(kSpaces); at < text.size(); at = text.find_first_not_of(kSpaces, at)) {
    const size_t end = std::min(text.find_first_of(kSpaces, at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

EditCounts word_errors(std::string_view reference, std::string_view hypothesis) {
  std::map<std::string, uint32_t> numbers;
  const std::vector<uint32_t> said = numbered(words_of(reference), numbers);
  return align(said, numbered(words_of(hypothesis), numbers));
}

EditCounts character_errors(std::string_view reference, std::string_view hypothesis) {
  return align(characters_of(reference), characters_of(hypothesis));
}

}  // namespace vetquant
