#include "vetquant/policy/policy.h"

#include <gtest/gtest.h>

#include "support/model_builder.h"
#include "vetquant/policy/target.h"

namespace vetquant {
namespace {

// The policy file of the design, with every key that a policy may have.
constexpr const char* kEverything = R"(version: 1
description: everything
target: ort-cpu
defaults: {weights: int8, activations: dynamic, granularity: channel}
rules:
  - name: vocabulary head
    match: {node: "**/lm_head/**", op: MatMul}
    use:   {weights: int8, block: 32}
  - name: decoder feed-forward
    match: {op: [MatMul, Gemm], node_regex: ".*/fc[12]/.*", scope: "**"}
    use:   {weights: int4, block: 32, algorithm: mse, symmetric: true, form: matmul_nbits, accuracy_level: 4}
  - name: norms stay
    match: {op: [LayerNormalization, Softmax]}
    use:   keep
  - match: {between: [encoder_out, logits]}
    use:   {weights: fp16, compute: fp32}
  - match: {tensor: "*.weight", min_elements: 10, max_elements: 20, input: 1}
    use:   {weights: uint4, granularity: block, axis: -1, symmetric: false, range: narrow, zero_point: float, scales: fp16, activations: none}
    optional: true
  - match: {op: Conv}
    use:   {weights: fp32}
tensors: {min_elements: 2048, tied: apart, overridable: keep}
clean_up: {reshape_targets: true, identities: false}
on_unsupported: next-rule
on_unmatched_rule: warn
calibration: {samples: calib.yaml, method: percentile, percentile: 99.99, max_memory: 1GiB}
budget: {file: 400MB, effective_bits: 4.6}
gates:
  - {test_set: dictation, metric: wer, max_increase: 0.3, confidence: 90}
  - {test_set: labels, metric: accuracy, keep: 0.95}
)";

TEST(Policy, EveryKeyIsRead) {
  const Policy policy = parse_policy(kEverything, "everything.yaml");
  EXPECT_EQ(policy.name, "everything");
  EXPECT_EQ(policy.target, "ort-cpu");
  EXPECT_EQ(policy.defaults.weights, DType::kInt8);
  EXPECT_EQ(policy.defaults.activations, Activations::kDynamic);
  EXPECT_EQ(policy.defaults.granularity, Granularity::kChannel);
  EXPECT_EQ(policy.defaults_position.text(), "everything.yaml:4:11");
  ASSERT_EQ(policy.rules.size(), 6u);
  EXPECT_EQ(policy.tensors.min_elements, 2048);
  EXPECT_EQ(policy.tensors.tied, Tied::kApart);
  EXPECT_EQ(policy.tensors.overridable, Overridable::kKeep);
  EXPECT_TRUE(policy.clean_up.reshape_targets);
  EXPECT_FALSE(policy.clean_up.identities);
  EXPECT_TRUE(policy.clean_up.constants) << "not said";
  EXPECT_EQ(policy.on_unsupported, OnUnsupported::kNextRule);
  EXPECT_EQ(policy.on_unmatched_rule, OnUnmatchedRule::kWarn);
  EXPECT_EQ(policy.calibration.samples, "calib.yaml");
  EXPECT_EQ(policy.calibration.method, "percentile");
  EXPECT_EQ(policy.calibration.percentile, 99.99);
  EXPECT_EQ(policy.calibration.max_memory_bytes, uint64_t{1} << 30);
  EXPECT_EQ(policy.budget.file_bytes, 400'000'000u);
  EXPECT_EQ(policy.budget.effective_bits, 4.6);
}

TEST(Policy, RulesKeepTheirOrderNamesAndPlaces) {
  const Policy policy = parse_policy(kEverything, "everything.yaml");
  const Rule& head = policy.rules[0];
  EXPECT_EQ(head.name, "vocabulary head");
  EXPECT_EQ(head.position.text(), "everything.yaml:6:5");
  EXPECT_EQ(head.match.node, std::vector<std::string>{"**/lm_head/**"});
  EXPECT_EQ(head.match.op, std::vector<std::string>{"MatMul"});
  EXPECT_EQ(head.use.block, 32);
  EXPECT_EQ(head.inherited, Inherited::kNo);
  const Rule& feed_forward = policy.rules[1];
  EXPECT_EQ(feed_forward.match.op, (std::vector<std::string>{"MatMul", "Gemm"}));
  EXPECT_EQ(feed_forward.match.node_regex, std::vector<std::string>{".*/fc[12]/.*"});
  EXPECT_EQ(feed_forward.match.scope, std::vector<std::string>{"**"});
  EXPECT_EQ(feed_forward.use.algorithm, "mse");
  EXPECT_EQ(feed_forward.use.symmetric, true);
  EXPECT_EQ(feed_forward.use.form, FormChoice::kMatMulNBits);
  EXPECT_EQ(feed_forward.use.accuracy_level, 4);
  EXPECT_TRUE(policy.rules[2].use.keep);
  EXPECT_EQ(policy.rules[3].name, "");
  EXPECT_EQ(policy.rules[3].match.between, (std::vector<std::string>{"encoder_out", "logits"}));
  EXPECT_EQ(policy.rules[3].use.compute, DType::kFloat32);
}

TEST(Policy, FurtherKeysOfUseAreRead) {
  const Rule rule = parse_policy(kEverything, "everything.yaml").rules[4];
  EXPECT_EQ(rule.match.tensor, std::vector<std::string>{"*.weight"});
  EXPECT_EQ(rule.match.min_elements, 10);
  EXPECT_EQ(rule.match.max_elements, 20);
  EXPECT_EQ(rule.match.input, 1);
  EXPECT_EQ(rule.use.weights, DType::kUint4);
  EXPECT_EQ(rule.use.granularity, Granularity::kBlock);
  EXPECT_EQ(rule.use.axis, -1);
  EXPECT_EQ(rule.use.symmetric, false);
  EXPECT_EQ(rule.use.range, "narrow");
  EXPECT_EQ(rule.use.zero_point, "float");
  EXPECT_EQ(rule.use.scales, ScaleType::kFloat16);
  EXPECT_EQ(rule.use.activations, Activations::kNone);
  EXPECT_EQ(rule.inherited, Inherited::kYes) << "optional";
}

TEST(Policy, Fp32IsKeep) { EXPECT_TRUE(parse_policy(kEverything, "everything.yaml").rules[5].use.keep); }

TEST(Policy, GatesAreKeptAsWritten) {
  const Policy policy = parse_policy(kEverything, "everything.yaml");
  ASSERT_EQ(policy.gates.size(), 2u);
  EXPECT_EQ(policy.gates[0].test_set, "dictation");
  EXPECT_EQ(policy.gates[0].metric, "wer");
  EXPECT_EQ(policy.gates[0].max_increase, 0.3);
  EXPECT_EQ(policy.gates[0].confidence_pct, 90);
  EXPECT_EQ(policy.gates[0].position.text(), "everything.yaml:29:5");
  EXPECT_EQ(policy.gates[1].keep, 0.95);
  EXPECT_EQ(policy.gates[1].confidence_pct, 95);
}

TEST(Policy, WhatIsNotSaidHasItsDocumentedDefault) {
  const Policy policy = parse_policy("version: 1\n", "small.yaml");
  EXPECT_EQ(policy.target, std::nullopt);
  EXPECT_EQ(policy.defaults.weights, std::nullopt);
  EXPECT_EQ(policy.tensors.min_elements, 1024);
  EXPECT_EQ(policy.tensors.tied, Tied::kTogether);
  EXPECT_EQ(policy.tensors.overridable, Overridable::kQuantize);
  EXPECT_EQ(policy.on_unsupported, OnUnsupported::kError);
  EXPECT_EQ(policy.on_unmatched_rule, OnUnmatchedRule::kError);
}

TEST(Policy, CleanUpsAreInheritedStepByStepAndStandInTheTextWhereOff) {
  const test::TempFolder folder;
  folder.write("base.yaml", "version: 1\nclean_up: {identities: false, constants: false}\n");
  const auto path = folder.write("own.yaml", "version: 1\nextends: base.yaml\nclean_up: {constants: true}\n");
  const Policy policy = load_policy(path.string());
  EXPECT_TRUE(policy.clean_up.reshape_targets);
  EXPECT_FALSE(policy.clean_up.identities);
  EXPECT_TRUE(policy.clean_up.constants);
  EXPECT_NE(policy.text.find("clean_up: {identities: false}\n"), std::string::npos) << policy.text;
  EXPECT_FALSE(parse_policy(policy.text, "again.yaml").clean_up.identities);
  EXPECT_EQ(parse_policy("version: 1\nclean_up: {constants: true}\n", "a.yaml").digest,
            parse_policy("version: 1\n", "b.yaml").digest);
}

TEST(Policy, SelfCheckIsInheritedKeyByKeyAndCanBeSwitchedOff) {
  const test::TempFolder folder;
  folder.write("base.yaml", "version: 1\nself_check: {target_db: 30, samples: 8, to: uint16}\n");
  const auto own = [&](const std::string& words) {
    return load_policy(folder.write("own.yaml", "version: 1\nextends: base.yaml\n" + words).string());
  };
  const Policy policy = own("self_check: {most_nodes: 0.1, samples: 2}\n");
  ASSERT_TRUE(policy.self_check);
  EXPECT_EQ(policy.self_check->target_db, 30);
  EXPECT_EQ(policy.self_check->most_nodes, 0.1);
  EXPECT_EQ(policy.self_check->samples, 2);
  EXPECT_EQ(policy.self_check->activation_type, DType::kUint16);
  EXPECT_NE(policy.text.find("self_check: {target_db: 30, most_nodes: 0.1, samples: 2, to: uint16}\n"),
            std::string::npos)
      << policy.text;
  EXPECT_EQ(parse_policy(policy.text, "again.yaml").digest, policy.digest);
  EXPECT_EQ(own("self_check: true\n").self_check->samples, 8);
  EXPECT_EQ(own("").self_check->samples, 8);
  EXPECT_FALSE(own("self_check: false\n").self_check);
  EXPECT_FALSE(parse_policy("version: 1\n", "none.yaml").self_check);
  EXPECT_EQ(parse_policy("version: 1\nself_check: true\n", "a.yaml").digest,
            parse_policy("version: 1\nself_check: {}\n", "b.yaml").digest);
}

TEST(Policy, EveryFormHasItsName) {
  const std::vector<std::pair<std::string, FormChoice>> forms = {{"auto", FormChoice::kAuto},
                                                                 {"dequantize", FormChoice::kDequantize},
                                                                 {"fold_at_load", FormChoice::kFoldAtLoad},
                                                                 {"dynamic_integer", FormChoice::kDynamicInteger},
                                                                 {"matmul_nbits", FormChoice::kMatMulNBits},
                                                                 {"gather_block", FormChoice::kGatherBlock},
                                                                 {"gather_rows", FormChoice::kGatherRows},
                                                                 {"dynamic_lstm", FormChoice::kDynamicLstm},
                                                                 {"qdq", FormChoice::kQdq},
                                                                 {"qoperator", FormChoice::kQOperator}};
  for (const auto& [name, form] : forms) {
    EXPECT_EQ(parse_policy("version: 1\ndefaults: {form: " + name + "}\n", "f.yaml").defaults.form, form);
    EXPECT_EQ(name_of(form), name);
  }
}

TEST(Policy, ItsTextReadsBackAsTheSamePolicy) {
  const Policy policy = parse_policy(kEverything, "everything.yaml");
  const Policy again = parse_policy(policy.text, "lock");
  EXPECT_EQ(again.text, policy.text);
  EXPECT_EQ(again.digest, policy.digest);
  ASSERT_EQ(again.rules.size(), policy.rules.size());
  for (size_t i = 0; i < again.rules.size(); ++i) EXPECT_EQ(again.rules[i].inherited, policy.rules[i].inherited) << i;
}

TEST(Policy, TheDigestIsOfTheMeaning) {
  const std::string digest = parse_policy("version: 1\ndefaults: {weights: int8, block: 32}\n", "a.yaml").digest;
  EXPECT_EQ(digest.size(), 32u);
  EXPECT_EQ(parse_policy("# note\ndefaults:\n  block: 32\n  weights: int8\nversion: 1\n", "b.yaml").digest, digest);
  EXPECT_NE(parse_policy("version: 1\ndefaults: {weights: int8, block: 64}\n", "a.yaml").digest, digest);
}

TEST(Policy, NamesOfAnyBytesReadBack) {
  const Policy policy =
      parse_policy("version: 1\nrules:\n  - {match: {tensor: \"a\\\"b\\\\c\\x07ä\"}, use: keep}\n", "f.yaml");
  EXPECT_EQ(policy.rules[0].match.tensor[0], "a\"b\\c\x07\xC3\xA4");
  EXPECT_EQ(parse_policy(policy.text, "g.yaml").rules[0].match.tensor, policy.rules[0].match.tensor);
}

}  // namespace
}  // namespace vetquant
