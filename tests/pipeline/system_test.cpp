#include "vetquant/pipeline/system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "support/error_of.h"

namespace vetquant {
namespace {

using test::error_of;
using ::testing::HasSubstr;

System parsed(const std::string& text) { return parse_system(text, "sets/system.yaml"); }
std::string complaint(const std::string& text) {
  const Error error = error_of([&] { parsed(text); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  return error.what();
}
std::string with_part(const std::string& keys) {
  return "version: 1\nmodels:\n  langid:\n    model: langid.onnx\n" + keys;
}

TEST(SystemFile, ReadsEveryKey) {
  const System system = parsed(
      "version: 1\nname: dictation\ntarget: ort-cpu-avx2\nbudget: {max_bytes: 500 MB, max_share: 26.5 %}\nmodels:\n"
      "  langid:\n    model: langid/langid.onnx\n    policy: policies/hybrid.yaml\n    test_set: langid/test.yaml\n"
      "    gates: ['top1>=-0.5', 'file_bytes<=0.5x@0']\n    quick: 64\n  speech:\n    model: /models/speech.onnx\n"
      "    policy: int4\n");
  EXPECT_EQ(system.name, "dictation");
  EXPECT_EQ(system.target, "ort-cpu-avx2");
  EXPECT_EQ(system.budget.max_bytes, 500'000'000u);
  EXPECT_EQ(system.budget.max_share_pct, 26.5);
  ASSERT_EQ(system.parts.size(), 2u);
  const SystemPart& langid = system.parts[0];
  EXPECT_EQ(langid.name, "langid");
  EXPECT_EQ(langid.model, "sets/langid/langid.onnx");
  EXPECT_EQ(langid.policy, "sets/policies/hybrid.yaml");
  EXPECT_EQ(langid.test_set, "sets/langid/test.yaml");
  ASSERT_EQ(langid.gates.size(), 2u);
  EXPECT_EQ(langid.gates[0].gate.metric, "top1");
  EXPECT_EQ(langid.gates[1].gate.scale, GateScale::kShare);
  EXPECT_EQ(langid.quick, 64u);
  EXPECT_EQ(system.parts[1].model, "/models/speech.onnx");
  EXPECT_EQ(system.parts[1].policy, "int4");  // a preset, not a file
  EXPECT_FALSE(system.parts[1].test_set);
}

TEST(SystemFile, AFolderMayHaveAPolicyForEachGraph) {
  const System system = parsed(
      with_part("    policies: {encoder_model.onnx: int4, decoder.onnx: p/own.yaml}\n    graphs: [decoder.onnx]\n"
                "    sidecar: always\n    shapes: {x: [1, 80, 3000]}\n"));
  const SystemPart& part = system.parts.at(0);
  ASSERT_EQ(part.policies.size(), 2u);
  EXPECT_EQ(part.policies[0].graph.name, "encoder_model.onnx");
  EXPECT_EQ(part.policies[0].policy, "int4");
  EXPECT_EQ(part.policies[1].policy, "sets/p/own.yaml");
  EXPECT_EQ(part.graphs.at(0).name, "decoder.onnx");
  EXPECT_EQ(part.sidecar, Sidecar::kAlways);
  EXPECT_EQ(part.shapes.at(0).shape, (Shape{1, 80, 3000}));
}

TEST(SystemFile, PathsMayNameTheEnvironment) {
  ::setenv("VETQUANT_TEST_MODELS", "/models", 1);
  ::unsetenv("VETQUANT_TEST_NOWHERE");
  const std::string text = "version: 1\nmodels: {a: {model: \"${VETQUANT_TEST_MODELS}/a.onnx\"}}\n";
  EXPECT_EQ(parsed(text).parts.at(0).model, "/models/a.onnx");
  EXPECT_THAT(complaint("version: 1\nmodels: {a: {model: \"${VETQUANT_TEST_NOWHERE}/a.onnx\"}}\n"),
              HasSubstr("sets/system.yaml:2:21: the environment variable VETQUANT_TEST_NOWHERE is not set"));
}

TEST(SystemFile, WhatIsLeftOutHasDefaults) {
  const System system = parsed(with_part(""));
  EXPECT_EQ(system.name, "system");
  EXPECT_EQ(system.parts.at(0).policy, "int8");
  EXPECT_FALSE(system.target || system.budget.max_bytes || system.budget.max_share_pct || system.parts[0].quick);
}

TEST(SystemFile, ComplaintsSayWhereAndTheNearestWord) {
  EXPECT_THAT(complaint(with_part("    polcy: int8\n")), HasSubstr("sets/system.yaml:5:5: unknown key 'polcy'"));
  EXPECT_THAT(complaint(with_part("    polcy: int8\n")), HasSubstr("did you mean 'policy'?"));
  EXPECT_THAT(complaint("version: 1\nmodles: {}\n"), HasSubstr("sets/system.yaml:2:1: unknown key 'modles'"));
  EXPECT_THAT(complaint("version: 2\nmodels: {a: {model: a.onnx}}\n"), HasSubstr("sets/system.yaml:1:10: version"));
  EXPECT_THAT(complaint("version: 1\nmodels: {}\n"), HasSubstr("sets/system.yaml:2:9: models names no part"));
  EXPECT_THAT(complaint("version: 1\nmodels: {a: {policy: int8}}\n"), HasSubstr("'model'"));
}

TEST(SystemFile, BadGateIsToldAtItsPlace) {
  const std::string text = complaint(with_part("    test_set: t.yaml\n    gates: ['top1>=-0.5', 'top1=3']\n"));
  EXPECT_THAT(text, HasSubstr("sets/system.yaml:6:27: gate 'top1=3'"));
  EXPECT_THAT(text, HasSubstr("one of >= <= > < is missing"));
}

TEST(SystemFile, GatesAndQuickNeedATestSet) {
  EXPECT_THAT(complaint(with_part("    gates: ['top1>=-0.5']\n")), HasSubstr(":5:12: gates need a test_set"));
  EXPECT_THAT(complaint(with_part("    quick: 5\n")), HasSubstr(":5:12: quick is a number"));
}

TEST(SystemFile, ABudgetIsASizeOrAShare) {
  const auto budget = [](const std::string& text) { return complaint(with_part("") + "budget: " + text + "\n"); };
  EXPECT_THAT(budget("{}"), HasSubstr(":5:9: a budget needs max_bytes or max_share"));
  for (const char* share : {"26", "0 %", "101 %", "x %", "-3 %", "nan %"})
    EXPECT_THAT(budget("{max_share: " + std::string(share) + "}"), HasSubstr(":5:21: max_share must be a share"));
  EXPECT_THAT(budget("{max_bytes: many}"), HasSubstr("max_bytes must be a size such as 400MB"));
}

TEST(SystemFile, PartsNameFilesAndNothingElse) {
  for (const char* name : {"../up", "a/b", ".hidden", "-x", "a b", "\"a\\0b\"", "\xC3\xA4"})
    EXPECT_THAT(complaint("version: 1\nmodels:\n  " + std::string(name) + ": {model: a.onnx}\n"),
                HasSubstr("cannot name a part"))
        << name;
  EXPECT_EQ(parsed("version: 1\nmodels: {Speech_2.en-US: {model: a.onnx}}\n").parts[0].name, "Speech_2.en-US");
}

}  // namespace
}  // namespace vetquant
