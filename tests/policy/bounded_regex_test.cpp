#include "vetquant/policy/bounded_regex.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vetquant {
namespace {

using Kind = BoundedRegex::Kind;
using Outcome = BoundedRegex::Outcome;

constexpr BoundedRegex::Bounds kBounds{.steps = 100'000, .heap_kib = 4096};

std::vector<std::string> words_of(const std::string& pattern, const std::string& text) {
  std::vector<BoundedRegex::Match> found;
  const Outcome outcome = BoundedRegex(pattern, Kind::kWords, kBounds).find_all(text, found);
  EXPECT_EQ(outcome, found.empty() ? Outcome::kNone : Outcome::kFound);
  std::vector<std::string> words;
  for (const auto& [begin, end] : found) words.push_back(text.substr(begin, end - begin));
  return words;
}

TEST(BoundedRegex, AWholeTextMatchesOrNot) {
  const BoundedRegex regex("a.*c", Kind::kWholeText, kBounds);
  EXPECT_EQ(regex.matches("abc"), Outcome::kFound);
  EXPECT_EQ(regex.matches("abcd"), Outcome::kNone);
  EXPECT_EQ(regex.matches("xabc"), Outcome::kNone);
  EXPECT_EQ(regex.matches("a\xFF"
                          "c"),
            Outcome::kNone)
      << "no UTF-8";
  EXPECT_EQ(BoundedRegex(".*", Kind::kWholeText, kBounds).matches(""), Outcome::kFound);
}

TEST(BoundedRegex, WordsGoByUnicodeAndAreNeverEmpty) {
  EXPECT_EQ(words_of("\\w+",
                     "Gr\xC3\xBC\xC3\x9F"
                     "e, 2 mal"),
            (std::vector<std::string>{"Gr\xC3\xBC\xC3\x9F"
                                      "e",
                                      "2", "mal"}));
  EXPECT_EQ(words_of("a*", "baab"), (std::vector<std::string>{"aa"}));
  EXPECT_EQ(words_of("x", "baab"), std::vector<std::string>{});
  EXPECT_EQ(words_of("x", ""), std::vector<std::string>{});
}

TEST(BoundedRegex, TooManyStepsAreNoAnswer) {
  const std::string text(64, 'a');
  EXPECT_EQ(BoundedRegex("(a+)+[bc]", Kind::kWholeText, kBounds).matches(text), Outcome::kTooManySteps);
  std::vector<BoundedRegex::Match> found;
  EXPECT_EQ(BoundedRegex("(a+)+[bc]", Kind::kWords, kBounds).find_all(text, found), Outcome::kTooManySteps);
}

TEST(BoundedRegex, ABadPatternSaysWhyAndWhere) {
  try {
    BoundedRegex("fc(1|2", Kind::kWholeText, kBounds);
    FAIL() << "no error";
  } catch (const BadPattern& bad) {
    EXPECT_STREQ(bad.what(), "missing closing parenthesis");
    EXPECT_EQ(bad.offset, 6U);
  }
  EXPECT_THROW(BoundedRegex("\\C", Kind::kWords, kBounds), BadPattern);
  EXPECT_THROW(BoundedRegex(std::string(60, '(') + std::string(60, ')'), Kind::kWords, kBounds), BadPattern);
}

}  // namespace
}  // namespace vetquant
