#include <gtest/gtest.h>

#include "support/error_of.h"
#include "support/model_builder.h"
#include "vetquant/policy/policy.h"

namespace vetquant {
namespace {

using test::error_of;
using test::TempFolder;

TEST(Extends, OwnRulesComeFirstThenInheritedOnes) {
  const TempFolder folder;
  folder.write("base.yaml",
               "version: 1\ndefaults: {weights: int8, block: 64}\nrules:\n  - {name: base, match: {op: Conv}, use: "
               "keep}\ntensors: {min_elements: 7}\nbudget: {file: 1MB}\n");
  const auto path = folder.write("own.yaml",
                                 "version: 1\nextends: base.yaml\ndefaults: {weights: int4}\nrules:\n  - {name: own, "
                                 "match: {op: Gemm}, use: keep}\ntensors: {tied: apart}\n");
  const Policy policy = load_policy(path.string());
  EXPECT_EQ(policy.name, "own");
  ASSERT_EQ(policy.rules.size(), 2u);
  EXPECT_EQ(policy.rules[0].name, "own");
  EXPECT_EQ(policy.rules[0].inherited, Inherited::kNo);
  EXPECT_EQ(policy.rules[1].name, "base");
  EXPECT_EQ(policy.rules[1].inherited, Inherited::kYes);
  EXPECT_EQ(policy.rules[1].position.file, (folder.path() / "base.yaml").string());
  EXPECT_EQ(policy.defaults.weights, DType::kInt4);
  EXPECT_EQ(policy.defaults.block, 64);
  EXPECT_EQ(policy.tensors.min_elements, 7);
  EXPECT_EQ(policy.tensors.tied, Tied::kApart);
  EXPECT_EQ(policy.budget.file_bytes, 1'000'000u);
}

TEST(Extends, APresetIsExtendedByName) {
  const Policy policy = parse_policy("version: 1\nextends: int4\n", "own.yaml");
  EXPECT_EQ(policy.defaults.weights, DType::kInt8);
  EXPECT_EQ(policy.on_unsupported, OnUnsupported::kKeep);
  ASSERT_FALSE(policy.rules.empty());
  EXPECT_EQ(policy.rules[0].use.weights, DType::kInt4);
  EXPECT_EQ(policy.rules[0].inherited, Inherited::kYes);
  EXPECT_EQ(policy.rules[0].position.file, "preset int4");
}

TEST(Extends, TheNearerFileDecidesWhatHappensToTheUnsupported) {
  EXPECT_EQ(parse_policy("version: 1\nextends: int8\non_unsupported: error\n", "own.yaml").on_unsupported,
            OnUnsupported::kError);
}

TEST(Extends, RulesOfAPresetMayMatchNothing) {
  for (const Rule& rule : load_policy("int4").rules) EXPECT_EQ(rule.inherited, Inherited::kYes) << rule.name;
}

TEST(Extends, CirclesAreRefused) {
  const TempFolder folder;
  folder.write("a.yaml", "version: 1\nextends: b.yaml\n");
  folder.write("b.yaml", "version: 1\nextends: ./a.yaml\n");
  const std::string a = (folder.path() / "a.yaml").string(), b = (folder.path() / "b.yaml").string();
  const Error error = error_of([&] { load_policy(a); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_EQ(error.what(), b + ":2:10: extends goes in a circle: " + a + " is extended already");
}

TEST(Extends, LongChainsAreRefused) {
  const TempFolder folder;
  for (int i = 0; i < 40; ++i)
    folder.write("p" + std::to_string(i) + ".yaml", "version: 1\nextends: p" + std::to_string(i + 1) + ".yaml\n");
  const Error error = error_of([&] { load_policy((folder.path() / "p0.yaml").string()); });
  EXPECT_EQ(error.message(), "more than 16 files extend each other");
  EXPECT_EQ(error.where(), (folder.path() / "p15.yaml").string() + ":2:10");
}

TEST(Extends, WhatCannotBeReadIsReportedWhereItIsNamed) {
  EXPECT_STREQ(error_of([] { parse_policy("version: 1\nextends: none/there.yaml\n", "dir/p.yaml"); }).what(),
               "dir/p.yaml:2:10: what it extends, dir/none/there.yaml, cannot be opened: No such file or directory");
  EXPECT_STREQ(
      error_of([] { parse_policy("version: 1\nextends: hybird\n", "p.yaml"); }).what(),
      "p.yaml:2:10: there is no preset 'hybird'; did you mean 'hybrid'? (a file's name has a '/' or ends in .yaml)");
}

TEST(Extends, ErrorsOfTheExtendedFileNameThatFile) {
  const TempFolder folder;
  folder.write("base.yaml", "version: 1\nrulez: []\n");
  const auto path = folder.write("own.yaml", "version: 1\nextends: base.yaml\n");
  EXPECT_EQ(error_of([&] { load_policy(path.string()); }).where(), (folder.path() / "base.yaml").string() + ":2:1");
}

TEST(Extends, TheTextHoldsEverythingAndNeedsNoOtherFile) {
  const Policy policy =
      parse_policy("version: 1\nextends: int4\nrules:\n  - {match: {op: Gemm}, use: keep}\n", "own.yaml");
  EXPECT_EQ(policy.text.find("extends"), std::string::npos);
  EXPECT_EQ(parse_policy(policy.text, "lock").text, policy.text);
}

TEST(Extends, ATargetsPathIsMeantFromTheFileThatNamesIt) {
  const TempFolder folder;
  folder.write("base.yaml", "version: 1\ntarget: phone.yaml\n");
  std::filesystem::create_directory(folder.path() / "sub");
  folder.write("sub/own.yaml", "version: 1\nextends: ../base.yaml\n");
  const Policy policy = load_policy((folder.path() / "sub" / "own.yaml").string());
  EXPECT_EQ(policy.target, (folder.path() / "phone.yaml").string());
  EXPECT_NE(policy.text.find("target: \"phone.yaml\""), std::string::npos)
      << "the digest must not depend on the folder";
}

TEST(Presets, AnUnknownNameSuggestsTheNearest) {
  const Error error = error_of([] { load_policy("int8-wights"); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_STREQ(error.what(),
               "policy: there is no preset 'int8-wights'; did you mean 'int8-weights'? (a file's name has a '/' or "
               "ends in .yaml)");
  EXPECT_STREQ(
      error_of([] { load_policy("nothing-like-it"); }).what(),
      "policy: there is no preset 'nothing-like-it'; presets: fp16, hybrid, int4, int8, int8-dynamic, int8-static, "
      "int8-weights (a file's name has a '/' or ends in .yaml)");
}

TEST(Presets, AMissingFileIsAnInputError) {
  const Error error = error_of([] { load_policy("no/such/policy.yaml"); });
  EXPECT_EQ(error.code(), ErrorCode::kIo);
  EXPECT_STREQ(error.what(), "no/such/policy.yaml: cannot be opened: No such file or directory");
}

}  // namespace
}  // namespace vetquant
