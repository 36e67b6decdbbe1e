#include "vetquant/policy/document.h"

#include <gtest/gtest.h>

#include "support/error_of.h"
#include "support/model_builder.h"

namespace vetquant {
namespace {

using test::error_of;

std::string complaint(const std::string& text) {
  const Error error = error_of([&] { parse_yaml(text, "f.yaml"); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  return error.what();
}

// Two values, the second of which holds the first ten times, and so on: 10^`levels` values in few lines.
std::string bomb(int levels) {
  std::string text = "l0: &l0 [x]\n";
  for (int level = 1; level <= levels; ++level) {
    const std::string below = "*l" + std::to_string(level - 1);
    text += "l" + std::to_string(level) + ": &l" + std::to_string(level) + " [" + below;
    for (int i = 1; i < 10; ++i) text += ", " + below;
    text += "]\n";
  }
  return text;
}

TEST(Document, PositionsAreThoseOfTheFile) {
  const YamlValue root = parse_yaml("a: 1\nb:\n  - x\n  - {c: y}\n", "f.yaml");
  const auto entries = root.entries("root");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].first.position().text(), "f.yaml:2:1");
  const auto items = entries[1].second.list("b");
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0].position().text(), "f.yaml:3:5");
  EXPECT_EQ(items[1].entries("item")[0].second.position().text(), "f.yaml:4:9");
}

TEST(Document, SyntaxErrorsHaveAPlace) {
  EXPECT_EQ(complaint("a: [1, 2\nb: 3\n"), "f.yaml:2:2: end of sequence flow not found");
  EXPECT_EQ(complaint("a: b: c\n"), "f.yaml:1:5: illegal map value");
  EXPECT_EQ(complaint(""), "f.yaml: is empty");
  EXPECT_EQ(complaint("# only a comment\n"), "f.yaml: is empty");
}

TEST(Document, TheSameKeyTwiceIsAnError) {
  const YamlValue root = parse_yaml("a: 1\nb: 2\na: 3\n", "f.yaml");
  EXPECT_STREQ(error_of([&] { root.entries("root"); }).what(), "f.yaml:3:1: key 'a' stands twice in this map");
}

TEST(Document, AKeyThatIsNoWordIsAnError) {
  const YamlValue root = parse_yaml("[a]: 1\n", "f.yaml");
  EXPECT_STREQ(error_of([&] { root.entries("root"); }).what(), "f.yaml:1:1: a key must be a word, not a list");
}

TEST(Document, AliasesStandForWhatTheyName) {
  const YamlValue root = parse_yaml("a: &x [1, 2]\nb: *x\n", "f.yaml");
  EXPECT_EQ(root.entries("root")[1].second.texts("b"), (std::vector<std::string>{"1", "2"}));
}

TEST(Document, AliasBombsAreRefusedEarly) {
  EXPECT_NO_THROW(parse_yaml(bomb(4), "f.yaml"));
  EXPECT_EQ(complaint(bomb(5)), "f.yaml:6:55: the document has more than 200000 values, aliases counted at each use");
  EXPECT_EQ(complaint(bomb(60)), "f.yaml:6:55: the document has more than 200000 values, aliases counted at each use");
}

TEST(Document, AnAliasWithinItselfIsRefused) {
  EXPECT_EQ(complaint("a: &x [*x]\n"), "f.yaml:1:8: this alias stands inside of what it names");
}

TEST(Document, DeepNestingIsRefused) {
  EXPECT_NO_THROW(parse_yaml(std::string(32, '[') + std::string(32, ']'), "f.yaml"));
  EXPECT_EQ(complaint(std::string(33, '[') + std::string(33, ']')),
            "f.yaml:1:33: lists and maps are nested more than 32 deep");
  // Where nothing is closed yaml-cpp takes each bracket for the key of a map, too.
  EXPECT_EQ(complaint(std::string(1'000'000, '[')), "f.yaml:1:17: lists and maps are nested more than 32 deep");
  EXPECT_EQ(complaint(std::string(1'000'000, '{')), "f.yaml:1:32: lists and maps are nested more than 32 deep");
}

TEST(Document, LongFilesAndBinaryFilesAreRefused) {
  EXPECT_EQ(complaint(std::string((size_t{1} << 20) + 1, ' ')), "f.yaml: is longer than 1 MiB");
  EXPECT_EQ(complaint(std::string("a\0b", 3)), "f.yaml: is no text: byte 1 is zero");
}

TEST(Document, TagsAndSecondDocumentsAreRefused) {
  EXPECT_EQ(
      complaint("a: !!python/object:os.system x\n"),
      "f.yaml:1:4: YAML tags such as 'tag:yaml.org,2002:python/object:os.system' have no meaning here; remove it");
  EXPECT_EQ(complaint("a: 1\n---\nb: 2\n"), "f.yaml:3:1: a second YAML document begins here; one per file");
}

TEST(Document, ValuesOfTheWrongKindAreNamed) {
  const YamlValue root = parse_yaml("[x, 1.5, yes, '3', {a: b}, ~, [], '']", "f.yaml");
  const auto items = root.list("root");
  EXPECT_STREQ(error_of([&] { items[0].integer("block", 1, 9); }).what(),
               "f.yaml:1:2: block must be an integer from 1 to 9, not 'x'");
  EXPECT_STREQ(error_of([&] { items[1].integer("block", 1, 9); }).what(),
               "f.yaml:1:5: block must be an integer from 1 to 9, not '1.5'");
  EXPECT_STREQ(error_of([&] { items[2].boolean("symmetric"); }).what(),
               "f.yaml:1:10: symmetric must be true or false, not 'yes'");
  EXPECT_STREQ(error_of([&] { items[3].integer("block", 1, 9); }).what(),
               "f.yaml:1:15: block must be an integer from 1 to 9, not '3'");
  EXPECT_STREQ(error_of([&] { items[4].text("name"); }).what(), "f.yaml:1:20: name must be a text, not a map");
  EXPECT_STREQ(error_of([&] { items[5].text("name"); }).what(), "f.yaml:1:28: name must be a text, not nothing");
  EXPECT_STREQ(error_of([&] { items[6].texts("op"); }).what(), "f.yaml:1:31: op is an empty list");
  EXPECT_STREQ(error_of([&] { items[7].text("name"); }).what(), "f.yaml:1:35: name must be a text, not an empty one");
  EXPECT_STREQ(error_of([&] { items[0].entries("use"); }).what(), "f.yaml:1:2: use must be a map, not 'x'");
  EXPECT_STREQ(error_of([&] { items[0].list("rules"); }).what(), "f.yaml:1:2: rules must be a list, not 'x'");
}

TEST(Document, IntegersAreBoundedOnBothSides) {
  const auto items = parse_yaml("[0, 1, 9, 10, 99999999999999999999, +5, 0x10]", "f.yaml").list("root");
  EXPECT_THROW(items[0].integer("n", 1, 9), Error);
  EXPECT_EQ(items[1].integer("n", 1, 9), 1);
  EXPECT_EQ(items[2].integer("n", 1, 9), 9);
  EXPECT_THROW(items[3].integer("n", 1, 9), Error);
  EXPECT_THROW(items[4].integer("n", 1, INT64_MAX), Error);
  EXPECT_EQ(items[5].integer("n", 1, 9), 5);
  EXPECT_THROW(items[6].integer("n", 0, 99), Error);
}

TEST(Document, NumbersAreFinite) {
  const auto items = parse_yaml("[0.3, nan, inf, 1e400]", "f.yaml").list("root");
  EXPECT_EQ(items[0].number("n", 0, 1), 0.3);
  for (size_t i = 1; i < items.size(); ++i) EXPECT_THROW(items[i].number("n", 0, 1e300), Error) << i;
}

TEST(Document, SizesHaveUnits) {
  const auto items = parse_yaml("[400MB, 1GiB, 4096, 1.5kB, 2 MiB, -1MB, 1e30GB, MB, 4XB]", "f.yaml").list("root");
  EXPECT_EQ(items[0].bytes("file"), 400'000'000u);
  EXPECT_EQ(items[1].bytes("file"), 1u << 30);
  EXPECT_EQ(items[2].bytes("file"), 4096u);
  EXPECT_EQ(items[3].bytes("file"), 1500u);
  EXPECT_EQ(items[4].bytes("file"), 2u << 20);
  for (size_t i = 5; i < items.size(); ++i) EXPECT_THROW(items[i].bytes("file"), Error) << i;
  EXPECT_STREQ(error_of([&] { items[8].bytes("file"); }).what(),
               "f.yaml:1:53: file must be a size such as 400MB or 1GiB, not '4XB'");
}

TEST(Document, FilesThatCannotBeReadAreNamed) {
  const test::TempFolder folder;
  const Error missing = error_of([&] { read_small_file((folder.path() / "none.yaml").string()); });
  EXPECT_EQ(missing.code(), ErrorCode::kIo);
  EXPECT_EQ(missing.message(), "cannot be opened: No such file or directory");
  const Error is_folder = error_of([&] { read_small_file(folder.path().string()); });
  EXPECT_EQ(is_folder.code(), ErrorCode::kUsage);
  const auto path = folder.write("long.yaml", std::string((size_t{1} << 20) + 1, '#'));
  EXPECT_EQ(error_of([&] { read_small_file(path.string()); }).message(), "is longer than 1 MiB; is it the right file?");
}

}  // namespace
}  // namespace vetquant
