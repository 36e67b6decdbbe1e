#include "vetquant/pipeline/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <map>

#include "small_model.h"
#include "support/error_of.h"

namespace vetquant {
namespace {

using test::error_of;
using test::Work;
using ::testing::HasSubstr;

TEST(Pipeline, StandInDigestPlansTheWrittenSize) {
  const Work work;
  for (const char* policy : {"int8", "int8-dynamic", "int8-weights", "int4", "fp16", "hybrid"}) {
    const Prepared plan = prepare(work.request(policy));
    const Prepared real = prepare(work.request(policy));
    EXPECT_EQ(plan.sizes.total_bytes(), work.written(real).size()) << policy;
  }
}

TEST(Pipeline, MetadataTellsWhatWasDone) {
  const Work work;
  const Prepared prepared = prepare(work.request("int4"));
  work.written(prepared);
  const auto written = Model::load(work.path("out.onnx"));
  std::map<std::string, std::string> metadata;
  for (const auto& entry : written->skeleton().metadata_props()) metadata[entry.key()] = entry.value();
  EXPECT_EQ(metadata["vetquant.version"], kVersion);
  EXPECT_EQ(metadata["vetquant.policy"], "int4");
  EXPECT_EQ(metadata["vetquant.policy_digest"], prepared.policy.digest);
  EXPECT_EQ(metadata["vetquant.target"], prepared.target.name);
  EXPECT_EQ(metadata["vetquant.source_digest"], prepared.model->digest());
}

TEST(Pipeline, ADigestBegunBesideThePlanningChangesNothing) {
  const Work work;
  const auto plain = work.written(prepare(work.request("int4")));
  for (const int threads : {1, 2}) {
    Request request = work.request("int4");
    request.threads = threads;
    const Prepared prepared = prepare(request);
    EXPECT_NE(prepared.digest, nullptr);
    EXPECT_EQ(work.written(prepared), plain);
    EXPECT_EQ(work.written(prepared), plain);  // may be taken again
  }
  EXPECT_EQ(prepare(work.request("int4")).digest, nullptr);  // a plan alone reads no weights
}

TEST(Pipeline, TargetOfTheRequestComesBeforeThePolicys) {
  const Work work;
  const auto policy = work.write("p.yaml", "version: 1\nextends: int8\ntarget: ort-cpu-avx2\n");
  Request request = work.request(policy.string());
  EXPECT_EQ(prepare(request).target.name, "ort-cpu-avx2");
  request.target = "ort-cpu";
  EXPECT_EQ(prepare(request).target.name, "ort-cpu-vnni");
}

TEST(Pipeline, PlanThatChangesNothingIsRefusedWithTheReason) {
  const Work work;
  const auto policy = work.write("p.yaml", "version: 1\ndefaults: keep\n");
  const Prepared prepared = prepare(work.request(policy.string()));
  EXPECT_TRUE(prepared.plan.changes_nothing());
  const Error error = error_of([&] { work.written(prepared); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_THAT(error.what(), HasSubstr("nothing to quantize by policy 'p'"));
  EXPECT_FALSE(std::filesystem::exists(work.path("out.onnx")));
}

TEST(Pipeline, OneByteOverTheBudgetIsRefused) {
  const Work work;
  const uint64_t bytes = prepare(work.request("int8")).sizes.total_bytes();
  const auto with_budget = [&](uint64_t budget) {
    // The policy's name stands in the model: it must have the length of "int8".
    const auto policy =
        work.write("pppp.yaml", "version: 1\nextends: int8\nbudget: {file: " + std::to_string(budget) + "}\n");
    return prepare(work.request(policy.string()));
  };
  EXPECT_EQ(work.written(with_budget(bytes)).size(), bytes);
  const Error error = error_of([&] { work.written(with_budget(bytes - 1)); });
  EXPECT_EQ(error.code(), ErrorCode::kBudget);
  EXPECT_THAT(error.what(), HasSubstr(std::to_string(bytes) + " bytes"));
}

TEST(Pipeline, BitsOverTheBudgetAreRefused) {
  const Work work;
  const auto policy = work.write("p.yaml", "version: 1\nextends: int8\nbudget: {effective_bits: 7}\n");
  const Error error = error_of([&] { work.written(prepare(work.request(policy.string()))); });
  EXPECT_EQ(error.code(), ErrorCode::kBudget);
  EXPECT_THAT(error.what(), HasSubstr("bits each"));
}

TEST(Pipeline, InputIsNeverTheOutputUnderAnotherName) {
  const Work work;
  std::filesystem::create_hard_link(work.path("model.onnx"), work.path("link.onnx"));
  Request request = work.request();
  request.output = work.path("link.onnx");
  const std::string before = test::read_text(work.path("model.onnx"));
  const Error error = error_of([&] { work.written(prepare(request)); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_THAT(error.what(), HasSubstr("is an input of this run"));
  EXPECT_EQ(test::read_text(work.path("model.onnx")), before);
}

}  // namespace
}  // namespace vetquant
