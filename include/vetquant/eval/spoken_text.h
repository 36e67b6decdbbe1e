// Texts made comparable before errors are counted, and what counts most in them. A normalisation is named and numbered: what a
// name does never changes, so that figures of two reports with the same name can be compared.
//
//   none         the text as it stands
//   basic-1      small letters (Latin, Greek, Cyrillic); punctuation is a space, but for an apostrophe between letters and
//                a point between digits; a comma between digits is left out ("1,000" = "1000"); single spaces
//   dictation-1  basic-1, and numbers and units as a clinic writes them: "five milligrams per kilogram" and "5mg/kg" both
//                are "5 mg per kg", "two point five percent" is "2.5 %", "one hundred and twenty" is "120"
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vetquant {

enum class TextNormalisation { kNone, kBasic1, kDictation1 };

std::string name_of(TextNormalisation normalisation);
TextNormalisation text_normalisation(const std::string& name);  // Error{kUsage} that lists the names

std::string normalised(std::string_view text, TextNormalisation normalisation);

struct FoundCounts {
  uint64_t reference = 0, hypothesis = 0,
           matched = 0;  // recall = matched / reference, precision = matched / hypothesis
  FoundCounts& operator+=(const FoundCounts& other);
  bool operator==(const FoundCounts&) const = default;
};

// Terms of one word or several; where several begin at one place, the longest counts, and none within it.
class TermList {
 public:
  TermList(const std::vector<std::string>& terms, TextNormalisation normalisation);  // Error{kUsage}: an empty term
  std::vector<std::string> found_in(std::string_view normalised_text) const;  // in order, repeated where repeated
  // A term heard as often as said is matched, wherever it stands.
  FoundCounts compare(std::string_view reference, std::string_view hypothesis) const;
  size_t size() const { return terms_.size(); }

 private:
  std::vector<std::vector<std::string>> terms_;  // words; longer ones first
};

// "5 mg per kg", "38.6 c", "120": every number with the unit behind it, of a text in dictation-1.
std::vector<std::string> quantities_of(std::string_view dictation_text);
// Quantities are matched in the order in which they are said: two doses that are swapped are not both right.
FoundCounts compare_quantities(std::string_view dictation_reference, std::string_view dictation_hypothesis);

}  // namespace vetquant
