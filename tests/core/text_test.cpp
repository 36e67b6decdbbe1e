#include "vetquant/core/text.h"

#include <gmock/gmock.h>

#include <chrono>

namespace vetquant {
namespace {

TEST(Glob, StarsRespectTheSlash) {
  EXPECT_TRUE(glob_matches("a*c", "abbc"));
  EXPECT_TRUE(glob_matches("a*c", "ac"));
  EXPECT_FALSE(glob_matches("a*c", "a/c"));
  EXPECT_TRUE(glob_matches("a**c", "a/b/c"));
  EXPECT_TRUE(glob_matches("**", "a/b"));
  EXPECT_TRUE(glob_matches("**", ""));
  EXPECT_FALSE(glob_matches("*", "a/b"));
  EXPECT_TRUE(glob_matches("/decoder/*/fc1", "/decoder/layers.0/fc1"));
  EXPECT_FALSE(glob_matches("/decoder/*/fc1", "/decoder/a/b/fc1"));
}

TEST(Glob, LeadingDoubleStarSlashMatchesNothingToo) {
  EXPECT_TRUE(glob_matches("**/fc1", "fc1"));
  EXPECT_TRUE(glob_matches("**/fc1", "/fc1"));
  EXPECT_TRUE(glob_matches("**/fc1", "a/b/fc1"));
  EXPECT_FALSE(glob_matches("**/fc1", "a/xfc1"));
  EXPECT_TRUE(glob_matches("**/lm_head/**", "/model/lm_head/MatMul"));
  EXPECT_FALSE(glob_matches("a/**/b", "a/b")) << "only a leading one";
}

TEST(Glob, ClassesAndQuestionMarks) {
  EXPECT_TRUE(glob_matches("fc[12]", "fc1"));
  EXPECT_FALSE(glob_matches("fc[12]", "fc3"));
  EXPECT_TRUE(glob_matches("fc[!12]", "fc3"));
  EXPECT_FALSE(glob_matches("fc[!12]", "fc/"));
  EXPECT_TRUE(glob_matches("[a-c]x", "bx"));
  EXPECT_FALSE(glob_matches("[a-c]x", "dx"));
  EXPECT_TRUE(glob_matches("[]]", "]"));
  EXPECT_TRUE(glob_matches("[-a]", "-"));
  EXPECT_TRUE(glob_matches("a?c", "abc"));
  EXPECT_FALSE(glob_matches("a?c", "a/c"));
  EXPECT_FALSE(glob_matches("a?c", "ac"));
  EXPECT_TRUE(glob_matches("[a", "[a")) << "an open bracket is literal";
}

TEST(Glob, EverythingElseIsLiteral) {
  EXPECT_TRUE(glob_matches("a.b+(c)\\", "a.b+(c)\\"));
  EXPECT_FALSE(glob_matches("a.b", "axb"));
  EXPECT_TRUE(glob_matches("", ""));
  EXPECT_FALSE(glob_matches("", "a"));
  EXPECT_FALSE(glob_matches("a", ""));
}

TEST(Glob, ManyStarsDoNotExplode) {
  std::string pattern;
  for (int i = 0; i < 40; ++i) pattern += "*a";
  EXPECT_FALSE(glob_matches(pattern + "b", std::string(2000, 'a')));  // would never end with backtracking
  EXPECT_FALSE(glob_matches(std::string(500, '['), std::string(500, 'x')));
}

TEST(NearestWord, FindsTyposAndNothingFarOff) {
  const std::vector<std::string> known{"weights", "activations", "granularity", "block"};
  EXPECT_EQ(nearest_word("weigths", known), "weights");
  EXPECT_EQ(nearest_word("granularty", known), "granularity");
  EXPECT_EQ(nearest_word("blok", known), "block");
  EXPECT_EQ(nearest_word("colour", known), "");
  EXPECT_EQ(nearest_word("", known), "");
  EXPECT_EQ(nearest_word("x", std::vector<std::string>{}), "");
}

TEST(HumanBytes, AreDecimal) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 kB");
  EXPECT_EQ(human_bytes(314'159'265), "314.2 MB");
  EXPECT_EQ(human_bytes(999'949), "999.9 kB");
  EXPECT_EQ(human_bytes(999'960), "1.0 MB");
  EXPECT_EQ(human_bytes(UINT64_MAX), "18.4 EB");
}

TEST(Printable, EscapesControlsAndShortensInTheMiddle) {
  EXPECT_EQ(printable("a\nb\x1b[31m"), "a\\x0ab\\x1b[31m");
  EXPECT_EQ(printable("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(printable("abcdefghijklmnopqrstuvwxyz", 11), "abcd...wxyz");
  EXPECT_EQ(printable("short", 5), "short");
  EXPECT_LE(printable(std::string(10000, '\n')).size(), 200u);
}

TEST(Printable, NeverCutsACharacterInTwo) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "\xc3\xbc";  // two bytes each
  for (size_t limit = 5; limit < 40; ++limit) {
    const std::string cut = printable(text, limit);
    EXPECT_LE(cut.size(), limit);
    size_t continuation = 0, lead = 0;
    for (const char c : cut) {
      lead += c == '\xc3';
      continuation += c == '\xbc';
    }
    EXPECT_EQ(lead, continuation) << limit;
  }
}

TEST(Printable, BytesThatAreNoTextAreEscaped) {
  // A name in a hostile file may hold anything; what we print (JSON too) must be UTF-8.
  EXPECT_EQ(printable("a\xff\xc3"), "a\\xff\\xc3");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");           // an overlong '/'
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // half a surrogate pair
  EXPECT_EQ(printable("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");  // a control character of Latin-1: terminals obey it
}

}  // namespace
}  // namespace vetquant
