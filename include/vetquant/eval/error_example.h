// One item that a reader of a report should see: what was right, what the baseline answered, what the judged model did.
//
// A task fills ModelResult::examples, at most kMostErrorExamples a model, whichever order it likes: reports sort them
// (lost terms first, then by wrong words, see report/word_marks.h) and mark the differing words themselves. Texts are
// UTF-8 as they were compared, that is after the task's normalisation.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace vetquant {

inline constexpr size_t kMostErrorExamples = 50;

struct ErrorExample {
  std::string item;                  // names it: "note_017.flac", "item 12"
  std::string reference;             // the right answer
  std::string baseline;              // what the float model answered
  std::string candidate;             // what this model answered
  std::vector<std::string> terms{};  // words or phrases of the reference that count most: "enrofloxacin", "5 mg/kg"
  bool operator==(const ErrorExample&) const = default;
};

}  // namespace vetquant
