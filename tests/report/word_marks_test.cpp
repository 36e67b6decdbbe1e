#include "word_marks.h"

#include <gtest/gtest.h>

namespace vetquant {
namespace {

std::string shown(const MarkedAnswer& answer) {
  std::string text;
  for (const MarkedWord& word : answer.words) {
    text += (text.empty() ? "" : " ") + std::string(word.term ? "!" : "");
    if (word.kind == WordKind::kRight) text += word.word;
    if (word.kind == WordKind::kWrong) text += word.word + "(" + word.reference + ")";
    if (word.kind == WordKind::kExtra) text += "+" + word.word;
    if (word.kind == WordKind::kMissing) text += "-" + word.word;
  }
  return text;
}

TEST(MarkWords, AlignsWithTheFewestErrors) {
  const MarkedAnswer answer = mark_words("give the dog one tablet", "give dog one small table", {});
  EXPECT_EQ(shown(answer), "give -the dog one +small table(tablet)");
  EXPECT_EQ(answer.errors, 3U);
}

TEST(MarkWords, EmptyTextsAreAllMissingOrAllExtra) {
  EXPECT_EQ(shown(mark_words("a b", "", {})), "-a -b");
  EXPECT_EQ(shown(mark_words("", "a b", {})), "+a +b");
  EXPECT_EQ(mark_words("", "", {}).errors, 0U);
}

TEST(MarkWords, ATermIsLostWhereOneOfItsWordsIs) {
  const MarkedAnswer answer =
      mark_words("Carprofen 2 mg/kg then carprofen 4 mg/kg", "carprofen 2 mg/kg then carprofen four mg/kg",
                 {"carprofen", "2 mg/kg", "4 mg/kg", "meloxicam"});
  EXPECT_EQ(shown(answer), "!carprofen(Carprofen) !2 !mg/kg then !carprofen !four(4) !mg/kg");
  EXPECT_EQ(answer.lost_terms, 2U);  // the first carprofen by its capital, and 4 mg/kg
}

TEST(MarkWords, LongTextsAreCutNotRefused) {
  std::string text;
  for (size_t i = 0; i < kMostWords + 100; ++i) text += "w ";
  EXPECT_EQ(mark_words(text, text, {}).words.size(), kMostWords);
}

TEST(MarkedExamples, LostTermsComeFirstAndWhatIsRightIsLeftOut) {
  const std::vector<ErrorExample> examples = {{"right", "a", "a", "a", {"a"}},
                                              {"words", "a b c", "a b c", "x y z", {}},
                                              {"both lost", "drug b", "x b", "x b", {"drug"}},
                                              {"newly lost", "drug b", "drug b", "x b", {"drug"}}};
  const auto marked = marked_examples(examples);
  ASSERT_EQ(marked.size(), 3U);
  EXPECT_EQ(marked[0].example->item, "newly lost");
  EXPECT_EQ(marked[1].example->item, "both lost");
  EXPECT_EQ(marked[2].example->item, "words");
}

}  // namespace
}  // namespace vetquant
