#include "vetquant/pipeline/lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "small_model.h"
#include "support/error_of.h"

namespace vetquant {
namespace {

using Json = nlohmann::ordered_json;
using test::error_of;
using test::Work;
using ::testing::HasSubstr;

constexpr const char* kPolicy =
    "version: 1\nextends: int8\nrules:\n  - name: first layer\n    match: {node: \"/first/*\"}\n    use: {weights: "
    "int4, block: 32}\n";

std::string lock_of(const Request& request) { return make_lock(prepare(request)); }

// Locks, changes the lock's JSON, and returns the error of using it.
template <class Change>
Error error_with(const Work& work, Change&& change) {
  Json json = Json::parse(lock_of(work.request()));
  change(json);
  const auto lock = work.write("changed.lock", json.dump());
  return error_of([&] { prepare_locked(work.request(), lock); });
}

TEST(Lock, IsTheSameEveryTime) {
  const Work work;
  EXPECT_EQ(lock_of(work.request()), lock_of(work.request()));
}

TEST(Lock, GivesTheModelThatItsPolicyGives) {
  const Work work;
  const auto policy = work.write("p.yaml", kPolicy);
  for (const std::string& name : {std::string("int8"), std::string("fp16"), policy.string()}) {
    const auto lock = work.write("plan.lock", lock_of(work.request(name)));
    const std::string plain = work.written(prepare(work.request(name)));
    EXPECT_EQ(work.written(prepare_locked(work.request(), lock)), plain) << name;
  }
}

TEST(Lock, HoldsPolicyTargetAndShapes) {
  const Work work;
  const auto policy = work.write("p.yaml", kPolicy);
  Request request = work.request(policy.string());
  request.target = "ort-cpu-avx2";
  request.shapes = {{"x", {1, 64}}};
  const auto lock = work.write("plan.lock", lock_of(request));
  std::filesystem::remove(policy);
  const Prepared locked = prepare_locked(work.request(), lock);
  EXPECT_EQ(locked.policy.name, "p");
  EXPECT_EQ(locked.target.name, "ort-cpu-avx2");
  ASSERT_EQ(locked.request.shapes.size(), 1u);
  EXPECT_EQ(locked.request.shapes[0].input, "x");
}

TEST(Lock, ReasonsStillNameTheLinesOfThePolicy) {
  const Work work;
  const auto policy = work.write("p.yaml", kPolicy);
  const auto lock = work.write("plan.lock", lock_of(work.request(policy.string())));
  const Prepared locked = prepare_locked(work.request(), lock);
  EXPECT_EQ(locked.plan.tensors.at(0).reason.rule,
            prepare(work.request(policy.string())).plan.tensors.at(0).reason.rule);
  EXPECT_EQ(locked.policy.rules.at(0).position.file, policy.string());
  EXPECT_EQ(locked.policy.rules.at(0).position.line, 4);
}

TEST(Lock, ChangedModelIsRefused) {
  const Work work;
  const auto lock = work.write("plan.lock", lock_of(work.request()));
  work.write("model.onnx", test::two_layers(99));  // equal in size
  const Error error = error_of([&] { prepare_locked(work.request(), lock); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_EQ(error.where(), lock.string());
  EXPECT_THAT(error.what(), HasSubstr("is not the model that was locked (its contents differ)"));
}

TEST(Lock, FirstDecisionThatDiffersIsNamed) {
  const Work work;
  const Error form = error_with(work, [](Json& json) { json["decisions"]["tensors"][1]["algorithm"] = "mse"; });
  EXPECT_EQ(form.code(), ErrorCode::kUsage);
  EXPECT_THAT(form.what(), HasSubstr("a decision differs: second: algorithm was \"mse\", is \"rtn\""));
  const Error gone = error_with(work, [](Json& json) { json["decisions"]["tensors"].push_back({{"name", "third"}}); });
  EXPECT_THAT(gone.what(), HasSubstr("'third' was a quantized tensor, is no longer"));
  const Error more = error_with(work, [](Json& json) { json["decisions"]["nodes"].erase(1); });
  EXPECT_THAT(more.what(), HasSubstr("'/second/MatMul' is now a rewritten node, was not"));
}

TEST(Lock, OtherWordsForAReasonDoNotStopABuild) {
  const Work work;
  Json json = Json::parse(lock_of(work.request()));
  json["decisions"]["tensors"][0]["reason"] = "an older version's words";
  const auto lock = work.write("plan.lock", json.dump());
  EXPECT_NO_THROW(prepare_locked(work.request(), lock));
}

TEST(Lock, WhatIsNoLockIsRefused) {
  const Work work;
  const Error model = error_of([&] { prepare_locked(work.request(), work.path("model.onnx")); });
  EXPECT_EQ(model.code(), ErrorCode::kUsage);
  EXPECT_THAT(model.what(), HasSubstr("is not a lock file"));
  EXPECT_THAT(error_with(work, [](Json& json) { json["schema"] = "vetquant.lock/9"; }).what(),
              HasSubstr("make the lock anew"));
  for (const char* key : {"model", "policy", "target", "shapes", "decisions"}) {
    const Error error = error_with(work, [&](Json& json) { json.erase(key); });
    EXPECT_EQ(error.code(), ErrorCode::kUsage) << key;
    EXPECT_THAT(error.what(), HasSubstr("is damaged")) << key;
  }
  EXPECT_THAT(error_with(work, [](Json& json) { json["policy"]["rules"] = 5; }).what(), HasSubstr("lock"));
}

TEST(Lock, TargetAndShapesOfTheCallAreRefused) {
  const Work work;
  const auto lock = work.write("plan.lock", lock_of(work.request()));
  Request request = work.request();
  request.target = "ort-cpu-avx2";
  EXPECT_THAT(error_of([&] { prepare_locked(request, lock); }).what(), HasSubstr("the lock fixes target and shapes"));
}

}  // namespace
}  // namespace vetquant
