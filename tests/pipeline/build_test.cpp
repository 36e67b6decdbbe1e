#include "vetquant/pipeline/build.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include "build_steps.h"
#include "small_model.h"
#include "support/error_of.h"
#include "vetquant/core/hash.h"

namespace vetquant {
namespace {

using test::error_of;
using test::Work;
using ::testing::HasSubstr;

constexpr const char* kTwo =
    "version: 1\nmodels: {first: {model: model.onnx}, second: {model: model.onnx, policy: p.yaml}}\n";

class BuildTest : public ::testing::Test {
 protected:
  BuildTest() { work_.write("p.yaml", "version: 1\nextends: int4\n"); }

  BuildOptions options() const {
    BuildOptions options;
    options.folder = work_.path("dist");
    return options;
  }
  BuildPlan plan(const std::string& text = kTwo) const { return plan(text, options()); }
  BuildPlan plan(const std::string& text, const BuildOptions& options) const {
    return plan_build(load_system(work_.write("system.yaml", text)), options);
  }

  Work work_;
};

TEST_F(BuildTest, PlannedBytesAreTheWrittenOnes) {
  const BuildPlan planned = plan();
  EXPECT_FALSE(std::filesystem::exists(work_.path("dist")));
  const Manifest manifest = run_build(planned);
  EXPECT_EQ(manifest.verdict, Verdict::kPassed);
  for (const PlannedPart& part : planned.parts)
    EXPECT_EQ(std::filesystem::file_size(work_.path("dist/" + part.part.name + ".onnx")), part.record.bytes);
}

TEST_F(BuildTest, WhatIsUnchangedIsNotDoneAgain) {
  run_build(plan());
  for (const PlannedPart& part : plan().parts) {
    EXPECT_EQ(part.action, Action::kNothing) << part.part.name << ": " << part.why;
  }
}

TEST_F(BuildTest, WhatChangedIsDoneAgainForThatReason) {
  run_build(plan());
  work_.write("p.yaml", "version: 1\nextends: fp16\n");
  BuildPlan changed = plan();
  EXPECT_EQ(changed.parts[0].action, Action::kNothing);
  EXPECT_EQ(changed.parts[1].action, Action::kQuantize);
  EXPECT_EQ(changed.parts[1].why, "policy changed");
  run_build(std::move(changed));
  EXPECT_EQ(plan(std::string(kTwo) + "target: ort-cpu-avx2\n").parts[0].why, "target changed");
  work_.write("model.onnx", test::two_layers(7));
  EXPECT_EQ(plan().parts[0].why, "model changed");
}

TEST_F(BuildTest, ADamagedOutputIsMadeAnew) {
  run_build(plan());
  const auto path = work_.path("dist/first.onnx");
  const std::string whole = test::read_text(path);
  std::string damaged = whole;
  damaged.back() ^= 1;  // as long as before
  work_.write("dist/first.onnx", damaged);
  BuildPlan again = plan();
  EXPECT_EQ(again.parts[0].why, "first.onnx is not as it was written");
  run_build(std::move(again));
  EXPECT_EQ(test::read_text(path), whole);
  std::filesystem::remove(work_.path("dist/second.lock"));
  EXPECT_EQ(plan().parts[1].why, "second.lock is not as it was written");
}

TEST_F(BuildTest, APartEntersTheManifestWhenItIsWhole) {
  BuildOptions failing = options();
  failing.say = [](const std::string& line) {
    if (line.starts_with("second")) throw Error(ErrorCode::kIo, "the disk is gone");
  };
  EXPECT_EQ(error_of([&] { run_build(plan(kTwo, failing)); }).code(), ErrorCode::kIo);
  const auto manifest = load_manifest(work_.path("dist"));
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->verdict, Verdict::kUnfinished);
  EXPECT_TRUE(manifest->find("first")->built);
  EXPECT_FALSE(manifest->find("second")->built);
  EXPECT_EQ(plan().parts[0].action, Action::kNothing);
  EXPECT_EQ(plan().parts[1].why, "not built yet");
}

TEST_F(BuildTest, OneBuildAtATimeInAFolder) {
  run_build(plan());
  const int held = ::open(work_.path("dist").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_EQ(::flock(held, LOCK_EX | LOCK_NB), 0);
  const Error error = error_of([&] { run_build(plan()); });
  EXPECT_EQ(error.code(), ErrorCode::kIo);
  EXPECT_THAT(error.message(), HasSubstr("another build is at work"));
  ::close(held);
  EXPECT_EQ(run_build(plan()).verdict, Verdict::kPassed);
}

TEST_F(BuildTest, ABudgetIsHeldToTheByte) {
  const uint64_t bytes = plan().manifest.bytes();
  const auto with = [&](uint64_t most) {
    return plan(std::string(kTwo) + "budget: {max_bytes: " + std::to_string(most) + "}\n").manifest.verdict;
  };
  EXPECT_NE(with(bytes), Verdict::kOverBudget);
  EXPECT_EQ(with(bytes - 1), Verdict::kOverBudget);
}

TEST_F(BuildTest, LeftOutPartsCountAndAreNamed) {
  BuildOptions only = options();
  only.only = {"second"};
  const Manifest manifest = run_build(plan(kTwo, only));
  EXPECT_THAT(manifest.words, HasSubstr("not built, bytes predicted: first"));
  EXPECT_EQ(manifest.bytes(), plan().manifest.bytes());
  EXPECT_FALSE(std::filesystem::exists(work_.path("dist/first.onnx")));
  only.only = {"secnd"};
  EXPECT_THAT(error_of([&] { plan(kTwo, only); }).message(), HasSubstr("did you mean 'second'?"));
}

TEST_F(BuildTest, APolicysOwnBudgetHoldsBeforeAnythingIsWritten) {
  work_.write("p.yaml", "version: 1\nextends: int8\nbudget: {file: 10}\n");
  EXPECT_EQ(error_of([&] { plan(); }).code(), ErrorCode::kBudget);
}

TEST(Manifest, ReadsBackWhatItWrote) {
  const Work work;
  Manifest manifest;
  manifest.budget = {1000, 26.5};
  manifest.verdict = Verdict::kGateFailed;
  JudgedRecord judged{{{"gates", "top1>=1\n"}}, "set", "crashed", 7, 3, {{"top1>=1", false, "top1: value 0"}}};
  BuiltRecord built{{{"model", "m"}}, {{"a.onnx", 5, "d"}}, {{"a.report.json", 6, "e"}}, judged};
  manifest.parts = {{"a", 10, 5, built}, {"b", 20, 6, std::nullopt}};
  const std::string text = manifest_json(manifest).dump();
  work.write(kManifestName, text);
  const auto read = load_manifest(work.path(""));
  ASSERT_TRUE(read);
  EXPECT_EQ(manifest_json(*read).dump(), text);
  EXPECT_EQ(read->find("a")->built->judged->quick, 3u);
  EXPECT_EQ(read->limit_bytes(), 7u);  // 26.5 % of 30, rounded down
}

TEST(Manifest, AnotherDocumentIsNotTakenForOne) {
  const Work work;
  EXPECT_FALSE(load_manifest(work.path("")));
  for (const char* text :
       {"", "{}", "[1]", "{\"schema\": \"vetquant.manifest/9\"}", "{\"schema\": \"vetquant.manifest/1\"}"}) {
    work.write(kManifestName, text);
    EXPECT_EQ(error_of([&] { load_manifest(work.path("")); }).code(), ErrorCode::kIo) << text;
  }
}

TEST(Manifest, AnOutputOutsideOfTheFolderIsNoneOfOurs) {
  const Work work;
  work.write("x", "text");
  const OutputRecord honest{"x", 4, digest_of("text")};
  EXPECT_EQ(first_damaged(work.path(""), {honest}), std::nullopt);
  OutputRecord outside = honest;
  outside.file = work.path("x").string();
  EXPECT_EQ(first_damaged(work.path(""), {outside}), outside.file);
  outside.file = "../" + work.path("").parent_path().filename().string() + "/x";
  EXPECT_EQ(first_damaged(work.path(""), {outside}), outside.file);
}

}  // namespace
}  // namespace vetquant
