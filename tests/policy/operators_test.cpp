// `accelerator:` and `operators:` of target profiles: what is read, what is refused, and that texts read back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "support/error_of.h"
#include "support/model_builder.h"
#include "vetquant/policy/operator_support.h"
#include "vetquant/policy/target.h"
#include "words.h"

namespace vetquant {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kHead = R"(version: 1
name: chip
title: A chip
status: untested
runtime: {name: onnxruntime, version: "1.32"}
max_opset: 21
max_ir_version: 10
forms: [{form: qdq, min_runtime: "1.20", source: a document}]
preferences: [{use: keep, reason: nothing is known, source: a document}]
accelerator: {name: Chip, cpu_fallback: false, fixed_shapes: true, subgraphs: true, border_pairs: cpu, max_rank: 4, max_dim: 16384, source: its manual}
)";

const std::string kConv = R"(operators:
  - ops: [Conv]
    min_opset: 11
    max_opset: 22
    types: [fp32, fp16]
    codes: [uint8, uint16]
    symmetric_codes: true
    weights: {types: [int8, int4], granularity: [channel], symmetric: channels}
    input_types: {2: [int32]}
    output_types: [fp32]
    min_rank: 3
    max_rank: 4
    constant_inputs: [1, 2]
    attributes: {group: [1], auto_pad: [NOTSET, VALID]}
    output_scale: {uint8: {scale: 0.00390625, zero_point: 0}}
    float_result: true
    shared_scales: true
    advice: use another one
    source: its manual, table 3
)";

std::string complaint(const std::string& text) {
  const Error error = error_of([&] { parse_target(text, "t.yaml"); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  return error.what();
}

TEST(Operators, EveryKeyIsRead) {
  const TargetProfile target = parse_target(kHead + kConv, "t.yaml");
  const TargetSupport support = support_of(target);
  EXPECT_EQ(support.status, ProfileStatus::kUntested);
  ASSERT_NE(support.accelerator, nullptr);
  const Accelerator& chip = *support.accelerator;
  EXPECT_EQ(chip.name, "Chip");
  EXPECT_FALSE(chip.cpu_fallback);
  EXPECT_TRUE(chip.fixed_shapes);
  EXPECT_TRUE(chip.subgraphs);
  EXPECT_TRUE(chip.border_pairs_on_cpu);
  EXPECT_EQ(chip.max_rank, 4);
  EXPECT_EQ(chip.max_dim, 16384);
  EXPECT_EQ(chip.source, "its manual");
  ASSERT_EQ(chip.operators.size(), 1u);
  const OperatorSupport& row = chip.operators[0];
  EXPECT_THAT(row.ops, ElementsAre("Conv"));
  EXPECT_EQ(row.min_opset, 11);
  EXPECT_EQ(row.max_opset, 22);
  EXPECT_THAT(row.types, ElementsAre(DType::kFloat32, DType::kFloat16));
  EXPECT_THAT(row.codes, ElementsAre(DType::kUint8, DType::kUint16));
  EXPECT_TRUE(row.symmetric_codes);
  ASSERT_TRUE(row.weights.has_value());
  EXPECT_THAT(row.weights->types, ElementsAre(DType::kInt8, DType::kInt4));
  EXPECT_THAT(row.weights->granularity, ElementsAre(Granularity::kChannel));
  EXPECT_EQ(row.weights->symmetric, SymmetricWeights::kChannels);
  EXPECT_THAT(row.input_types.at(2), ElementsAre(DType::kInt32));
  EXPECT_THAT(row.output_types, ElementsAre(DType::kFloat32));
  EXPECT_EQ(row.min_rank, 3);
  EXPECT_EQ(row.max_rank, 4);
  EXPECT_THAT(row.constant_inputs, ElementsAre(1, 2));
  EXPECT_THAT(row.attributes.at("auto_pad"), ElementsAre("NOTSET", "VALID"));
  EXPECT_THAT(row.attributes.at("group"), ElementsAre("1"));
  EXPECT_EQ(row.output_scale.at(DType::kUint8).scale, 1.0 / 256);
  EXPECT_TRUE(row.float_result);
  EXPECT_TRUE(row.shared_scales);
  EXPECT_EQ(row.advice, "use another one");
  EXPECT_EQ(row.source, "its manual, table 3");
  EXPECT_EQ(row.position.line, 12);
}

TEST(Operators, TheTextReadsBackAsTheSameProfile) {
  const TargetProfile target = parse_target(kHead + kConv, "t.yaml");
  const TargetProfile again = parse_target(target.text, "lock");
  EXPECT_EQ(again.text, target.text);
  EXPECT_EQ(again.digest, target.digest);
  EXPECT_EQ(support_of(again).accelerator->operators.size(), 1u);
  EXPECT_EQ(support_of(again).accelerator->operators[0].output_scale.at(DType::kUint8).zero_point, 0);
}

TEST(Operators, AnExtendingProfileReplacesTheRowsOfTheOperatorsItNames) {
  const test::TempFolder folder;
  folder.write("chip.yaml", kHead + "operators:\n  - {ops: [Conv, Relu], types: [fp32], source: s}\n");
  const auto own = folder.write(
      "own.yaml", "version: 1\nextends: chip.yaml\noperators:\n  - {ops: [Conv], types: [fp16], source: mine}\n");
  const TargetProfile target = load_target(own.string());
  ASSERT_EQ(support_of(target).accelerator->operators.size(), 2u);
  EXPECT_THAT(support_of(target).accelerator->operators[0].ops, ElementsAre("Conv"));
  EXPECT_THAT(support_of(target).accelerator->operators[0].types, ElementsAre(DType::kFloat16));
  EXPECT_THAT(support_of(target).accelerator->operators[1].ops, ElementsAre("Relu"));
  EXPECT_EQ(support_of(target).accelerator->name, "Chip");
  EXPECT_EQ(support_of(target).status, ProfileStatus::kUntested);
}

TEST(Operators, ErrorsSayWhereAndWhat) {
  const std::string row = kHead + "operators:\n  - ";
  EXPECT_EQ(complaint(row + "{ops: [Conv], types: [fp33], source: s}\n"),
            "t.yaml:12:27: unknown type 'fp33' in types; write fp32, uint8, int64, bool, ...");
  EXPECT_EQ(complaint(row + "{ops: [Conv], source: s}\n"),
            "t.yaml:12:5: an operator needs `types`, `codes` or both: in what is it taken?");
  EXPECT_EQ(complaint(row + "{ops: [Conv], types: [fp32], input_types: {x: [int32]}, source: s}\n"),
            "t.yaml:12:48: an input is a number from 0 to 1000, not 'x'");
  EXPECT_EQ(complaint(row + "{ops: [Conv], types: [fp32]}\n"), "t.yaml:12:5: operator needs the key 'source'");
  EXPECT_THAT(complaint(row + "{ops: [Conv], tipes: [fp32], source: s}\n"), HasSubstr("did you mean 'types'?"));
  EXPECT_THAT(
      complaint(row + "{ops: [Conv], codes: [uint8], weights: {types: [int8], symmetric: allways}, source: s}\n"),
      HasSubstr("did you mean 'always'?"));
}

TEST(Operators, NeedAnAccelerator) {
  std::string head = kHead;
  head.resize(head.find("accelerator:"));
  EXPECT_EQ(complaint(head + "operators:\n  - {ops: [Conv], types: [fp32], source: s}\n"),
            "t.yaml:1:1: target profile needs the key 'accelerator'");
}

TEST(Operators, EveryShippedRowHasASource) {
  size_t accelerators = 0;
  for (const ShippedTarget& shipped : shipped_targets()) {
    const TargetProfile target = load_target(shipped.name);
    const TargetSupport support = support_of(target);
    if (support.accelerator == nullptr) continue;
    ++accelerators;
    EXPECT_NE(support.status, ProfileStatus::kMeasured) << shipped.name << ": nobody ran it";
    EXPECT_GT(support.accelerator->source.size(), 10u) << shipped.name;
    EXPECT_GE(support_of(target).accelerator->operators.size(), 3u) << shipped.name;
    for (const OperatorSupport& row : support_of(target).accelerator->operators)
      EXPECT_GT(row.source.size(), 10u) << row.position.text();
    EXPECT_EQ(parse_target(target.text, "lock").text, target.text);
  }
  EXPECT_GE(accelerators, 1u);
}

std::set<std::string> names(words::Words words) { return {words.begin(), words.end()}; }

std::set<std::string> keys_of(const nlohmann::json& object) {
  EXPECT_EQ(object.at("additionalProperties"), false);
  std::set<std::string> keys;
  for (const auto& [key, value] : object.at("properties").items()) keys.insert(key);
  return keys;
}

TEST(ProfileSchema, HasTheKeysOfTheParser) {
  const auto root =
      nlohmann::json::parse(test::read_text(std::filesystem::path(VETQUANT_SCHEMAS) / "profile.schema.json"));
  const auto& properties = root.at("properties");
  EXPECT_EQ(keys_of(root), names(words::kTargetKeys));
  EXPECT_EQ(keys_of(properties.at("accelerator")), names(words::kAcceleratorKeys));
  const auto& row = properties.at("operators").at("items");
  EXPECT_EQ(keys_of(row), names(words::kOperatorKeys));
  EXPECT_EQ(keys_of(row.at("properties").at("weights")), names(words::kOperatorWeightKeys));
  EXPECT_EQ(keys_of(properties.at("forms").at("items")), names(words::kFormKeys));
  EXPECT_EQ(keys_of(properties.at("preferences").at("items")), names(words::kPreferenceKeys));
  EXPECT_EQ(properties.at("status").at("enum").get<std::set<std::string>>(), names(words::kStatus));
}

}  // namespace
}  // namespace vetquant
