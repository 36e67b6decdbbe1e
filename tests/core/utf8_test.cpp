#include "vetquant/core/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace vetquant {
namespace {

std::string encoded(uint32_t code) {
  std::string text;
  append_utf8(text, code);
  return text;
}

TEST(Utf8, EveryCharacterComesBack) {
  for (uint32_t code = 0; code <= 0x10FFFF; ++code) {
    const std::string text = encoded(code);
    const Utf8Step step = utf8_at(text, 0);
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    ASSERT_EQ(step.valid, !surrogate) << std::hex << code;
    if (surrogate) continue;
    ASSERT_EQ(step.code, code);
    ASSERT_EQ(step.bytes, text.size()) << std::hex << code;
  }
}

TEST(Utf8, OverlongFormsAndWhatIsBeyondAreNone) {
  for (const char* text :
       {"\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5", "\x80", "\xFF"}) {
    const Utf8Step step = utf8_at(text, 0);
    EXPECT_FALSE(step.valid) << text;
    EXPECT_EQ(step.bytes, 1U) << text;
    EXPECT_EQ(step.code, 0xFFFDU) << text;
  }
}

// Table 3-8 of Unicode 15: one replacement for each longest part that could have begun a character.
TEST(Utf8, ABrokenCharacterIsReplacedAsUnicodeRecommends) {
  EXPECT_EQ(lossy_utf8("a\xE2\x82"
                       "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(lossy_utf8("\xF0\x9F\x98"), "\xEF\xBF\xBD");
  EXPECT_EQ(lossy_utf8("\xE0\x80\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Utf8, TheFirstBadByteIsFound) {
  EXPECT_EQ(first_bad_utf8("gr\xC3\xBC\xC3\x9F"), std::string::npos);
  EXPECT_EQ(first_bad_utf8("gr\xC3\xBC\xC3"), 4U);
  EXPECT_EQ(first_bad_utf8(""), std::string::npos);
}

}  // namespace
}  // namespace vetquant
