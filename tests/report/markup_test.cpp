#include "vetquant/report/markup.h"

#include <gtest/gtest.h>

#include "report/markup_check.h"

namespace vetquant {
namespace {

TEST(Escaped, TakesTheMeaningFromMarkup) {
  EXPECT_EQ(escaped("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
}

TEST(Escaped, ShowsWhatCannotBeSeenOrIsNoText) {
  EXPECT_EQ(escaped(std::string("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(escaped("\x1b[31m\x7f"), "\\x1b[31m\\x7f");
  EXPECT_EQ(escaped("one\ntwo\tthree"), "one two three");
  EXPECT_EQ(escaped("\xc2\x85"), "\\u0085");  // a C1 control
  EXPECT_EQ(escaped("\xe2\x80\xae"
                    "cod.exe"),
            "\\u202ecod.exe");                    // right-to-left override
  EXPECT_EQ(escaped("\xef\xbf\xbf"), "\\uffff");  // no character of XML
}

TEST(Escaped, ShowsBytesThatAreNoUtf8) {
  EXPECT_EQ(escaped("\xff"), "\\xff");
  EXPECT_EQ(escaped("\xc0\xaf"), "\\xc0\\xaf");                    // overlong
  EXPECT_EQ(escaped("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // a surrogate
  EXPECT_EQ(escaped("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
  EXPECT_EQ(escaped("\xe2\x82"), "\\xe2\\x82");                    // cut off
  EXPECT_EQ(escaped("č שלום 𝔞"), "č שלום 𝔞");
}

TEST(MarkdownCode, HoldsInATableWhateverIsInIt) {
  EXPECT_EQ(markdown_code("top1>=-0.5"), "`top1>=-0.5`");
  EXPECT_EQ(markdown_code("a|b"), "`a\\|b`");
  EXPECT_EQ(markdown_code("``x`"), "``` ``x` ```");
  EXPECT_EQ(markdown_code("a\nb"), "`a b`");
}

TEST(MarkdownText, TakesTheMeaningFromMarkup) {
  EXPECT_EQ(markdown_text("@team [x](http://y) <b> a|b *c*"), "\\@team \\[x\\]\\(http\\://y\\) &lt;b\\> a\\|b \\*c\\*");
}

TEST(MarkupCheck, SeesWhatIsBroken) {
  EXPECT_EQ(test::markup_complaint("<a b=\"c&amp;\"><br>x</a>"), "");
  EXPECT_NE(test::markup_complaint("<a><b></a></b>"), "");
  EXPECT_NE(test::markup_complaint("<a b=c></a>"), "");
  EXPECT_NE(test::markup_complaint("<a b=\"1\" b=\"2\"></a>"), "");
  EXPECT_NE(test::markup_complaint("<a>"), "");
  EXPECT_NE(test::markup_complaint("<a b=\"x & y\"/>"), "");
}

}  // namespace
}  // namespace vetquant
