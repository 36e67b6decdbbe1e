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
    EXPECT_EQ(std::filesystem::file_size(work_.path("dist/" + part.part.name + ".onnx")), part.record.bytes());
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

TEST_F(BuildTest, AGraphThatWasWrittenIsNotWrittenAgain) {
  std::filesystem::create_directory(work_.path("pair"));
  work_.write("pair/a.onnx", test::two_layers(3));
  work_.write("pair/b.onnx", test::two_layers(4));
  work_.write("pair/config.json", "{}");
  const std::string pair = "version: 1\nmodels: {pair: {model: pair}}\n";
  BuildOptions failing = options();
  failing.say = [](const std::string& line) {
    if (line.starts_with("pair/b.onnx")) throw Error(ErrorCode::kIo, "the disk is gone");
  };
  EXPECT_EQ(error_of([&] { run_build(plan(pair, failing)); }).code(), ErrorCode::kIo);
  EXPECT_FALSE(load_manifest(work_.path("dist"))->find("pair")->built);
  BuildPlan rest = plan(pair);
  EXPECT_EQ(rest.parts[0].graphs[0].action, Action::kNothing);
  EXPECT_EQ(rest.parts[0].graphs[1].action, Action::kQuantize);
  run_build(std::move(rest));
  EXPECT_EQ(test::read_text(work_.path("dist/pair/config.json")), "{}");
  EXPECT_EQ(plan(pair).parts[0].action, Action::kNothing);
}

TEST_F(BuildTest, AFileThatNobodyNamesStaysWhereItIs) {
  run_build(plan());
  work_.write("dist/notes.txt", "mine");
  work_.write("dist/first.0123456789abcdef.weights", "of a build that was killed");
  work_.write("dist/first.mine.weights", "mine");
  work_.write("model.onnx", test::two_layers(9));
  run_build(plan());
  EXPECT_TRUE(std::filesystem::exists(work_.path("dist/notes.txt")));
  EXPECT_TRUE(std::filesystem::exists(work_.path("dist/first.mine.weights")));
  EXPECT_FALSE(std::filesystem::exists(work_.path("dist/first.0123456789abcdef.weights")));
}

TEST_F(BuildTest, ShapesAndSidecarsAreIngredients) {
  run_build(plan());
  const auto with = [&](const std::string& key) {
    return plan("version: 1\nmodels: {first: {model: model.onnx, " + key + "}}\n").parts[0].why;
  };
  EXPECT_EQ(with("sidecar: never"), "sidecar changed");
  EXPECT_EQ(with("sidecar: auto"), "up to date");
  EXPECT_EQ(with("shapes: {x: [1, 64]}"), "shapes changed");
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
  const BuiltRecord built{{{"a/x.json", 1, "c"}}, {{"a.report.json", 6, "e"}}, judged};
  const MadeRecord made{{{"model", "m"}}, {{"a/m.onnx", 5, "d"}}};
  manifest.parts = {{"a", {{"m.onnx", 10, 5, made}}, built}, {"b", {{"b.onnx", 20, 6, std::nullopt}}, std::nullopt}};
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
       {"", "{}", "[1]", "{\"schema\": \"vetquant.manifest/9\"}", "{\"schema\": \"vetquant.manifest/2\"}"}) {
    work.write(kManifestName, text);
    EXPECT_EQ(error_of([&] { load_manifest(work.path("")); }).code(), ErrorCode::kIo) << text;
  }
}

TEST(Manifest, AnOutputOutsideOfTheFolderIsNoneOfOurs) {
  const Work work;
  work.write("x", "text");
  std::filesystem::create_directory(work.path("part"));
  work.write("part/x", "text");
  std::filesystem::create_directory_symlink(work.path("part"), work.path("link"));
  OutputRecord output{"x", 4, digest_of("text")};
  for (const char* name : {"x", "part/x"}) {
    output.file = name;
    EXPECT_EQ(first_damaged(work.path(""), {output}), std::nullopt) << name;
  }
  const std::string own = work.path("").parent_path().filename().string();
  for (const std::string& name :
       {work.path("x").string(), "../" + own + "/x", std::string("part/../x"), std::string("./x"),
        std::string("link/x"), std::string(".."), std::string("part/"), std::string()}) {
    output.file = name;
    EXPECT_FALSE(place_of(work.path(""), output)) << name;
    EXPECT_EQ(first_damaged(work.path(""), {output}), name);
  }
}

}  // namespace
}  // namespace vetquant
