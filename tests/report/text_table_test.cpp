#include "text_table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

namespace vetquant {
namespace {

TEST(TextTable, AlignsColumns) {
  TextTable table({{"model", Align::kLeft}, {"size"}});
  table.row({"a", "10 MB"});
  table.row({"longer", "9 B"});
  EXPECT_EQ(table.text(), "model    size\na       10 MB\nlonger    9 B\n");
}

TEST(TextTable, LongNamesAreShortenedToAHundredColumns) {
  TextTable table({{"model", Align::kLeft}, {"value"}});
  table.row({std::string(150, 'x') + "end", "1.00"});
  std::istringstream lines(table.text());
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 102U) << line;  // the ellipsis has 3 bytes
  EXPECT_NE(table.text().find("xend"), std::string::npos);
}

TEST(Wrapped, BreaksAtSpacesAndIndents) {
  const std::string text = wrapped("  " + std::string(60, 'a') + " " + std::string(60, 'b') + " c", "    ");
  EXPECT_EQ(text, "  " + std::string(60, 'a') + "\n    " + std::string(60, 'b') + " c\n");
}

TEST(Numbers, ShowWhatIsMissing) {
  EXPECT_EQ(fixed(std::nan(""), 2), "-");
  EXPECT_EQ(fixed(1.005, 1), "1.0");
  EXPECT_EQ(compact(0.00012345), "0.000123");
}

}  // namespace
}  // namespace vetquant
