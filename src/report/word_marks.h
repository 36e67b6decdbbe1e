// Which words of an answer differ from the reference, and what became of the terms that count most.
//
// Words are what white space separates. The alignment has the fewest substitutions, insertions and deletions
// (Levenshtein 1966); of alignments with equally many, the one that keeps words in pairs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vetquant/eval/error_example.h"

namespace vetquant {

enum class WordKind { kRight, kWrong, kExtra, kMissing };

struct MarkedWord {
  std::string word;  // of the answer; of the reference where it is missing
  WordKind kind = WordKind::kRight;
  std::string reference;  // what it should be, where it is wrong
  bool term = false;      // the reference's word belongs to a term
};

struct MarkedAnswer {
  std::vector<MarkedWord> words;
  size_t errors = 0;      // words that are not right
  size_t lost_terms = 0;  // terms of which a word is not right; a term that stands twice counts twice
};

// Answers longer than kMostWords (reference or answer) are compared up to there, and the rest counts as it stands.
inline constexpr size_t kMostWords = 2000;
MarkedAnswer mark_words(std::string_view reference, std::string_view answer, const std::vector<std::string>& terms);

struct MarkedExample {
  const ErrorExample* example = nullptr;
  MarkedAnswer baseline, candidate;
};

// Worst first: terms that only the candidate lost, then all lost terms, then words that got worse, then wrong words. Examples in
// which candidate and baseline both are right are left out.
std::vector<MarkedExample> marked_examples(const std::vector<ErrorExample>& examples);

}  // namespace vetquant
