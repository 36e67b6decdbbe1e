// Words and characters that a transcript got wrong: the Levenshtein alignment with substitutions, deletions, insertions.
//
// Where several alignments cost the same, the choice is jiwer's (rapidfuzz's): equal beginnings and ends are cut off, then,
// from the end, a deletion is taken before an insertion, and an insertion before a substitution where it lies on the
// cheaper way. So the counts agree with jiwer's one by one, not only their sum.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vetquant {

struct EditCounts {
  uint64_t hits = 0, substitutions = 0, deletions = 0, insertions = 0;

  uint64_t errors() const { return substitutions + deletions + insertions; }
  uint64_t reference() const { return hits + substitutions + deletions; }  // words or characters that were said
  EditCounts& operator+=(const EditCounts& other);
  bool operator==(const EditCounts&) const = default;
};

// Errors per word said, over a corpus: sum the counts first. NaN where nothing was said.
double error_rate(const EditCounts& counts);

std::vector<std::string> words_of(std::string_view text);  // parted by white space (ASCII)

EditCounts word_errors(std::string_view reference, std::string_view hypothesis);
// By Unicode characters, spaces between words included, those around the text not.
EditCounts character_errors(std::string_view reference, std::string_view hypothesis);

}  // namespace vetquant
