#include "vetquant/policy/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/error_of.h"
#include "support/model_builder.h"

namespace vetquant {
namespace {

using test::error_of;

constexpr const char* kSmall = R"(version: 1
name: small
title: A small one
runtime: {name: onnxruntime, version: "1.20"}
max_opset: 17
max_ir_version: 9
contrib_ops: true
fp16: {compute_default: fp16, ops: [MatMul, "com.microsoft:Gelu"], source: tried}
forms:
  - {form: matmul_nbits, min_runtime: "1.20", ops: [MatMul], weights: [int4], blocks: [32], in_subgraphs: false, slow_because: "of it", source: tried}
preferences:
  - when: {op: MatMul, weights: [int4], activations: [none, auto], min_rows: 2, max_rows: 64, rows_unknown: false, in_subgraph: true}
    use: {form: matmul_nbits, block: 32, accuracy_level: 4}
    reason: it is fast
    source: tried
)";

std::string complaint(const std::string& text) {
  const Error error = error_of([&] { parse_target(text, "t.yaml"); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  return error.what();
}

TEST(Target, EveryKeyIsRead) {
  const TargetProfile target = parse_target(kSmall, "t.yaml");
  EXPECT_EQ(target.name, "small");
  EXPECT_EQ(target.title, "A small one");
  EXPECT_EQ(target.runtime, "onnxruntime");
  EXPECT_EQ(target.runtime_version, "1.20");
  EXPECT_EQ(target.max_opset, 17);
  EXPECT_EQ(target.max_ir_version, 9);
  EXPECT_TRUE(target.contrib_ops);
  EXPECT_FALSE(target.saturates_u8s8);
  EXPECT_EQ(target.fp16_compute_default, DType::kFloat16);
  EXPECT_EQ(target.fp16_ops, (std::vector<std::string>{"MatMul", "com.microsoft:Gelu"}));
  const FormSupport* form = target.find(FormChoice::kMatMulNBits);
  ASSERT_NE(form, nullptr);
  EXPECT_EQ(form->min_runtime, "1.20");
  EXPECT_EQ(form->blocks, std::vector<int64_t>{32});
  EXPECT_FALSE(form->in_subgraphs);
  EXPECT_EQ(form->slow_because, "of it");
  EXPECT_EQ(target.find(FormChoice::kQdq), nullptr);
  ASSERT_EQ(target.preferences.size(), 1u);
  const FormPreference& row = target.preferences[0];
  EXPECT_EQ(row.ops, std::vector<std::string>{"MatMul"});
  EXPECT_EQ(row.weights, std::vector<DType>{DType::kInt4});
  EXPECT_EQ(row.activations, (std::vector<Activations>{Activations::kNone, Activations::kAuto}));
  EXPECT_EQ(row.min_rows, 2);
  EXPECT_EQ(row.max_rows, 64);
  EXPECT_FALSE(row.rows_unknown);
  EXPECT_EQ(row.in_subgraph, true);
  EXPECT_EQ(row.use.accuracy_level, 4);
  EXPECT_EQ(row.reason, "it is fast");
  EXPECT_EQ(row.position.text(), "t.yaml:12:5");
}

TEST(Target, ItsTextReadsBackAsTheSameProfile) {
  for (const ShippedTarget& shipped : shipped_targets()) {
    const TargetProfile target = load_target(shipped.name);
    const TargetProfile again = parse_target(target.text, "lock");
    EXPECT_EQ(again.text, target.text);
    EXPECT_EQ(again.digest, target.digest);
    EXPECT_EQ(again.name, target.name);
    EXPECT_EQ(again.preferences.size(), target.preferences.size());
  }
  const TargetProfile small = parse_target(kSmall, "t.yaml");
  EXPECT_EQ(parse_target(small.text, "lock").text, small.text);
}

TEST(Target, AProfileExtendsAnother) {
  const std::string own =
      "version: 1\nextends: ort-cpu\ntitle: Mine\npreferences:\n  - {use: keep, reason: no reason needed, source: "
      "me}\n";
  const TargetProfile target = parse_target(own, "dir/mine.yaml");
  const TargetProfile base = load_target("ort-cpu");
  EXPECT_EQ(target.name, "mine");
  EXPECT_EQ(target.title, "Mine");
  EXPECT_EQ(target.forms.size(), base.forms.size());
  ASSERT_EQ(target.preferences.size(), base.preferences.size() + 1);
  EXPECT_TRUE(target.preferences[0].use.keep);
  EXPECT_NE(target.digest, base.digest);
}

TEST(Target, AFormOfItsOwnReplacesTheInheritedOne) {
  const TargetProfile target = parse_target(
      "version: 1\nextends: ort-cpu\nforms:\n  - {form: gather_block, min_runtime: \"9\", source: tried}\n", "t.yaml");
  EXPECT_EQ(target.find(FormChoice::kGatherBlock)->min_runtime, "9");
  EXPECT_EQ(target.forms.size(), load_target("ort-cpu").forms.size());
}

TEST(TargetErrors, SayWhereAndWhat) {
  EXPECT_EQ(complaint("version: 1\n"), "t.yaml:1:1: target profile needs the key 'title'");
  EXPECT_EQ(complaint("version: 1\nextend: ort-cpu\n"),
            "t.yaml:2:1: unknown key 'extend' in target profile; did you mean 'extends'?");
  const std::string base = "version: 1\nextends: ort-cpu\n";
  EXPECT_EQ(complaint(base + "forms:\n  - {form: auto, min_runtime: \"1\", source: x}\n"),
            "t.yaml:4:12: 'auto' is no form of its own");
  EXPECT_EQ(complaint(base + "forms:\n  - {form: qdq, min_runtime: \"1\"}\n"),
            "t.yaml:4:5: form needs the key 'source'");
  const std::string form = "  - {form: qdq, min_runtime: \"1\", source: x}\n";
  EXPECT_EQ(complaint(base + "forms:\n" + form + form), "t.yaml:5:5: form 'qdq' stands twice in this profile");
  EXPECT_EQ(complaint(base + "preferences:\n  - {use: keep, source: x}\n"),
            "t.yaml:4:5: preference needs the key 'reason'");
  EXPECT_EQ(complaint(base + "preferences:\n  - {when: {rows: 3}, use: keep, reason: y, source: x}\n"),
            "t.yaml:4:13: unknown key 'rows' in when; known: op, weights, activations, min_rows, max_rows, "
            "rows_unknown, in_subgraph, language_model");
}

TEST(TargetErrors, UnknownNamesSuggestTheNearest) {
  const Error error = error_of([] { load_target("ort-cpu-vnnj"); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_STREQ(error.what(),
               "target: there is no target 'ort-cpu-vnnj'; did you mean 'ort-cpu-vnni'? (a file's name has a '/' or "
               "ends in .yaml)");
  EXPECT_THAT(error_of([] { load_target("toaster"); }).what(),
              testing::AllOf(testing::StartsWith("target: there is no target 'toaster'; targets: "),
                             testing::HasSubstr("ort-arm64, ort-cpu, ort-cpu-avx2, ort-cpu-vnni"),
                             testing::HasSubstr("qnn-htp")));
}

TEST(TargetErrors, CirclesAreRefused) {
  const test::TempFolder folder;
  const auto path = folder.write("me.yaml", "version: 1\nextends: me.yaml\n");
  EXPECT_EQ(error_of([&] { load_target(path.string()); }).message(),
            "extends goes in a circle: " + path.string() + " is extended already");
}

}  // namespace
}  // namespace vetquant
