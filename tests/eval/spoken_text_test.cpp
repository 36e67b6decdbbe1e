#include "vetquant/eval/spoken_text.h"

#include <gtest/gtest.h>

#include "vetquant/core/error.h"

namespace vetquant {
namespace {

std::string basic(std::string_view text) { return normalised(text, TextNormalisation::kBasic1); }
std::string dictation(std::string_view text) { return normalised(text, TextNormalisation::kDictation1); }

TEST(TextNormalisation, NamesAreReadBackAndUnknownOnesAreRefused) {
  for (const char* name : {"none", "basic-1", "dictation-1"}) EXPECT_EQ(name_of(text_normalisation(name)), name);
  EXPECT_THROW(text_normalisation("basic"), Error);
}

TEST(TextNormalisation, NoneLeavesTheTextAsItStands) {
  EXPECT_EQ(normalised(" A,  b ", TextNormalisation::kNone), " A,  b ");
}

TEST(Basic1, SmallLettersWithoutPunctuation) {
  EXPECT_EQ(basic(" And so, my fellow Americans: ask NOT\n"), "and so my fellow americans ask not");
  EXPECT_EQ(basic("KŮŇ Ž Ÿ Ω Ж Ё"), "kůň ž ÿ ω ж ё");
  EXPECT_EQ(basic("well-known “quoted” – yes…"), "well known quoted yes");
}

TEST(Basic1, KeepsWhatIsPartOfWordsAndNumbers) { EXPECT_EQ(basic("Don’t. 'Tis 38.6, 1,000."), "don't tis 38.6 1000"); }

TEST(Dictation1, NumbersInWordsAreDigits) {
  EXPECT_EQ(dictation("twenty five"), "25");
  EXPECT_EQ(dictation("one hundred and twenty"), "120");
  EXPECT_EQ(dictation("three thousand four hundred six"), "3406");
  EXPECT_EQ(dictation("thirty-eight point six"), "38.6");
  EXPECT_EQ(dictation("two point zero five"), "2.05");
  EXPECT_EQ(dictation("zero"), "0");
}

TEST(Dictation1, NumbersSideBySideStayApart) {
  EXPECT_EQ(dictation("one two"), "1 2");
  EXPECT_EQ(dictation("twenty thirty"), "20 30");
  EXPECT_EQ(dictation("cats and dogs, one hundred and counting"), "cats and dogs 100 and counting");
}

TEST(Dictation1, UnitsHaveOneSpelling) {
  const std::string dose = "5 mg per kg";
  for (const char* text : {"five milligrams per kilogram", "5mg/kg", "5 mg / kg", "Five mg per kilo."}) {
    EXPECT_EQ(dictation(text), dose) << text;
  }
  EXPECT_EQ(dictation("2.5%"), dictation("two point five percent"));
  EXPECT_EQ(dictation("38.6 °C"), dictation("thirty eight point six degrees Celsius"));
  EXPECT_NE(dictation("5 mg"), dictation("5 mcg"));
}

TEST(TermList, LongestTermAtAPlaceCounts) {
  const TermList terms({"amoxicillin", "Amoxicillin clavulanate", "dog"}, TextNormalisation::kBasic1);
  EXPECT_EQ(terms.found_in("the dog got amoxicillin clavulanate then amoxicillin"),
            (std::vector<std::string>{"dog", "amoxicillin clavulanate", "amoxicillin"}));
  EXPECT_THROW(TermList({"..."}, TextNormalisation::kBasic1), Error);
}

TEST(TermList, HeardAsOftenAsSaidIsMatched) {
  const TermList terms({"enrofloxacin", "dog"}, TextNormalisation::kBasic1);
  EXPECT_EQ(terms.compare("dog enrofloxacin enrofloxacin", "dog dog enrofloxacin"), (FoundCounts{3, 3, 2}));
  EXPECT_EQ(terms.compare("a cat", "a dog"), (FoundCounts{0, 1, 0}));
}

TEST(Quantities, AreNumbersWithTheirUnits) {
  EXPECT_EQ(quantities_of(dictation("ten mg/kg/day for 7 days, heart rate 120")),
            (std::vector<std::string>{"10 mg per kg per day", "7 day", "120"}));
}

TEST(Quantities, SwappedDosesAreNotBothRight) {
  EXPECT_EQ(compare_quantities("5 mg a 10 mg b", "10 mg a 5 mg b"), (FoundCounts{2, 2, 1}));
  EXPECT_EQ(compare_quantities("5 mg a 10 mg b", "5 mcg a 10 mg b"), (FoundCounts{2, 2, 1}));
}

}  // namespace
}  // namespace vetquant
