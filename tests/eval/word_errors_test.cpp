#include "vetquant/eval/word_errors.h"

#include <gtest/gtest.h>

#include <cmath>

namespace vetquant {
namespace {

TEST(WordErrors, OneOfEachKind) {
  EXPECT_EQ(word_errors("the dog was given a drug for pain", "the dog is given drug for pain today"),
            (EditCounts{.hits = 6, .substitutions = 1, .deletions = 1, .insertions = 1}));
}

TEST(WordErrors, NothingHeardIsAllDeletedAndNothingSaidAllInserted) {
  EXPECT_EQ(word_errors("a b c", " "), (EditCounts{.deletions = 3}));
  EXPECT_EQ(word_errors("", "a b"), (EditCounts{.insertions = 2}));
  EXPECT_TRUE(std::isnan(error_rate(word_errors("", "a b"))));
}

TEST(WordErrors, AreSummedBeforeTheyAreDivided) {
  EditCounts corpus = word_errors("a", "b");
  corpus += word_errors("a b c d", "a b c d");
  EXPECT_DOUBLE_EQ(error_rate(corpus), 0.2);
}

TEST(WordErrors, MoreErrorsThanWordsAreMoreThanOne) { EXPECT_DOUBLE_EQ(error_rate(word_errors("a", "x y z")), 3); }

// Two substitutions cost as much as a deletion and an insertion around a hit; jiwer counts the former.
TEST(WordErrors, TieIsCountedAsSubstitutions) {
  EXPECT_EQ(word_errors("a b", "b c"), (EditCounts{.substitutions = 2}));
}

TEST(CharacterErrors, CountCharactersNotBytesAndInnerSpaces) {
  EXPECT_EQ(character_errors(" žlutý kůň ", "zlutý kůň"), (EditCounts{.hits = 8, .substitutions = 1}));
  EXPECT_EQ(character_errors("a b", "ab"), (EditCounts{.hits = 2, .deletions = 1}));
}

}  // namespace
}  // namespace vetquant
