// From wishes to forms: what the target prefers, what it cannot do, and what the policy says then.
#include "decide.h"

#include <gtest/gtest.h>

#include "plan_fixture.h"

namespace vetquant::test {
namespace {

Use with_form(DType type, FormChoice form) {
  Use use = weights(type);
  use.form = form;
  return use;
}

Policy policy_with(const Use& defaults, OnUnsupported on_unsupported = OnUnsupported::kError) {
  Policy policy = test_policy(DType::kInt8);
  policy.defaults = defaults;
  policy.on_unsupported = on_unsupported;
  return policy;
}

Plan plan_of(const TestModel& model, const Policy& policy, const TargetProfile& target = test_target()) {
  return Planned(model).plan(policy, target);
}

TEST(Decide, TheReasonGivesTheTargetsOwnAndItsPlace) {
  const Plan plan = plan_of(product_model(1), test_policy(DType::kInt8));
  EXPECT_EQ(plan.tensors.at(0).reason.text,
            "int8 weights, 1 row: reason 2 (t.yaml:2:1); block 64, which fits 64 better than 128");
  EXPECT_EQ(plan.tensors[0].reason.rule, "defaults");
}

TEST(Decide, PreferencesFillInWhatThePolicyLeavesOpenAndNoMore) {
  Use use = weights(DType::kInt8);
  use.scales = ScaleType::kFloat32;
  const Plan plan = plan_of(product_model(), policy_with(use, OnUnsupported::kKeep));
  EXPECT_EQ(plan.nodes.at(0).accuracy_level, 4);
  EXPECT_EQ(plan.tensors.at(0).spec.scale_type, ScaleType::kFloat32);  // the row says fp16
}

TEST(Decide, ScalesOfPluginsAreHalvesWhereTheGridIsAskedFor) {
  Use use = weights(DType::kInt8);
  use.scales = ScaleType::kLog8;
  EXPECT_EQ(plan_of(product_model(), policy_with(use)).tensors.at(0).spec.scale_type, ScaleType::kLog8);
  use.algorithm = "their-own";
  EXPECT_EQ(plan_of(product_model(), policy_with(use)).tensors.at(0).spec.scale_type, ScaleType::kFloat16);
}

TEST(Decide, TheGridOfScalesIsForTensorsThatHaveManyOfThem) {
  FormPreference row;
  row.use.block = 32;
  row.use.scales = ScaleType::kLog8;
  plan::Site site;
  site.elements = 32 * 2048;
  EXPECT_EQ(plan::Decider::filled_in(site, {}, row).scales, ScaleType::kLog8);
  site.elements -= 32;
  EXPECT_EQ(plan::Decider::filled_in(site, {}, row).scales, ScaleType::kFloat16);
  Use own;
  own.scales = ScaleType::kLog8;
  EXPECT_EQ(plan::Decider::filled_in(site, own, row).scales, ScaleType::kLog8);
}

TEST(Decide, FloatActivationsFoldTheWeight) {
  Use use = weights(DType::kInt8);
  use.activations = Activations::kNone;
  EXPECT_EQ(plan_of(product_model(), policy_with(use)).nodes.at(0).form, Form::kFoldAtLoad);
}

TEST(Decide, FloatActivationsForbidFormsThatRoundThem) {
  Use use = with_form(DType::kInt8, FormChoice::kDynamicInteger);
  use.activations = Activations::kNone;
  const Error error = error_of([&] { plan_of(product_model(), policy_with(use)); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_NE(
      error.message().find("dynamic_integer: it rounds activations, the policy says activations: none (w at /fc)"),
      std::string::npos)
      << error.what();
}

TEST(Decide, ANamedFormWithoutALevelKeepsActivationsFloatAndSaysWhatThatCosts) {
  const Plan plan = plan_of(product_model(), policy_with(with_form(DType::kInt8, FormChoice::kMatMulNBits)));
  EXPECT_EQ(plan.nodes.at(0).accuracy_level, 0);
  EXPECT_NE(plan.nodes[0].cost.find("20x slower"), std::string::npos);
  EXPECT_TRUE(mentions(plan.warnings, "20x slower"));
}

TEST(Decide, AFormThatCannotServeTheNodeIsAnErrorByDefault) {
  const Error error =
      error_of([&] { plan_of(product_model(), policy_with(with_form(DType::kInt8, FormChoice::kGatherBlock))); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_EQ(error.where(), "p.yaml:3:1");
  EXPECT_EQ(error.message(),
            "gather_block: target test-target does not have it for MatMul (w at /fc); change the rule, or say "
            "`on_unsupported: keep` to leave such weights float");
}

TEST(Decide, KeepLeavesTheWeightFloatWithTheReason) {
  const Plan plan =
      plan_of(product_model(), policy_with(with_form(DType::kInt8, FormChoice::kGatherBlock), OnUnsupported::kKeep));
  EXPECT_TRUE(plan.changes_nothing());
  EXPECT_EQ(kept_named(plan, "w")->reason.text,
            "cannot be done: gather_block: target test-target does not have it for MatMul");
}

TEST(Decide, NextRuleGoesOnAndEndsInAnError) {
  Policy policy = policy_with(weights(DType::kInt8), OnUnsupported::kNextRule);
  Match all;
  all.op = {"MatMul"};
  policy.rules = {rule("tables", all, with_form(DType::kInt4, FormChoice::kGatherBlock))};
  const Plan plan = plan_of(product_model(), policy);
  EXPECT_EQ(plan.tensors.at(0).stored_type, DType::kInt8);
  EXPECT_EQ(plan.tensors[0].reason.rule, "defaults");
  policy.defaults = with_form(DType::kInt8, FormChoice::kGatherRows);
  EXPECT_EQ(error_of([&] { plan_of(product_model(), policy); }).code(), ErrorCode::kUnsupported);
}

TEST(Decide, StaticActivationsWithoutATargetForThemLeaveTheWeightFolded) {
  Use use = weights(DType::kInt8);
  use.activations = Activations::kStatic;
  EXPECT_EQ(plan_of(product_model(), policy_with(use)).tensors.at(0).form, Form::kFoldAtLoad);
  use.form = FormChoice::kDynamicInteger;
  Error error = error_of([&] { plan_of(product_model(), policy_with(use)); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_NE(error.message().find("it rounds activations at run time"), std::string::npos) << error.what();
  const Use qdq = with_form(DType::kInt8, FormChoice::kQdq);
  error = error_of([&] { plan_of(product_model(), policy_with(qdq)); });
  EXPECT_NE(error.message().find("does not have this form"), std::string::npos) << error.what();
}

TEST(Decide, HelpersThatDoNotExistAreRefused) {
  Use use = weights(DType::kInt8);
  use.helpers = {"smooth_quant"};
  const Error error = error_of([&] { plan_of(product_model(), policy_with(use)); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_NE(error.message().find("helper 'smooth_quant' is not part of this version"), std::string::npos);
}

TEST(Decide, SevenBitsOfFourAreAUsageError) {
  Use use = weights(DType::kInt4);
  use.range = "7bit";
  const Error error = error_of([&] { plan_of(product_model(), policy_with(use)); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_NE(error.message().find("range 7bit is one of 8-bit codes"), std::string::npos);
}

TEST(Decide, ATargetWithoutPreferenceSaysSo) {
  TargetProfile target = test_target();
  target.preferences.clear();
  const Error error = error_of([&] { plan_of(product_model(), test_policy(DType::kInt8), target); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_NE(
      error.message().find("target test-target prefers no form for MatMul with int8 weights; name one with `form:`"),
      std::string::npos);
}

TEST(Decide, ATargetWithoutTheFormSaysSo) {
  TargetProfile target = test_target();
  target.contrib_ops = false;
  const Error error = error_of(
      [&] { plan_of(product_model(), policy_with(with_form(DType::kInt4, FormChoice::kMatMulNBits)), target); });
  EXPECT_NE(error.message().find("matmul_nbits: target test-target has no com.microsoft operators"), std::string::npos);
  target.forms.clear();
  EXPECT_NE(error_of([&] {
              plan_of(product_model(), policy_with(with_form(DType::kInt4, FormChoice::kMatMulNBits)), target);
            })
                .message()
                .find("does not have this form"),
            std::string::npos);
}

TEST(Decide, DequantizeLinearByBlockNeedsOpset21) {
  Use use = with_form(DType::kInt8, FormChoice::kDequantize);
  use.block = 32;
  const Error error = error_of([&] { plan_of(product_model(-1, 17), policy_with(use)); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_NE(error.message().find("needs opset 21, the model has 17; use form fold_at_load or granularity channel"),
            std::string::npos)
      << error.what();
  EXPECT_EQ(plan_of(product_model(-1, 21), policy_with(use)).nodes.at(0).form, Form::kDequantize);
}

TEST(Decide, AsymmetricBlockCodesAreUnsigned) {
  Use use = with_form(DType::kInt4, FormChoice::kMatMulNBits);
  use.symmetric = false;
  const Plan plan = plan_of(product_model(), policy_with(use));
  EXPECT_EQ(plan.tensors.at(0).spec.code_type, DType::kUint4);
  EXPECT_EQ(plan.tensors[0].spec.symmetry, Symmetry::kAsymmetric);
}

TEST(Decide, WhatWouldNotGetSmallerStaysFloat) {
  TestModel model;  // depthwise, one value a channel: its scale is as large as the weight
  model.main().input("x", kFloat, {1, 2048, 8, 8}).output("y").floats("w", {2048, 1, 1, 1}, random_floats(2048, 1));
  set_int(model.main().node("Conv", {"x", "w"}, {"y"}, "op"), "group", 2048);
  const Plan plan = plan_of(model, policy_with(weights(DType::kInt8), OnUnsupported::kKeep));
  ASSERT_NE(kept_named(plan, "w"), nullptr);
  EXPECT_NE(kept_named(plan, "w")->reason.text.find("codes and scales would take 10.2 kB, the weight takes 8.2 kB"),
            std::string::npos)
      << kept_named(plan, "w")->reason.text;
}

TEST(Decide, HalvesAreStoredUnlessTheTargetComputesInThem) {
  const Plan stored = plan_of(product_model(), policy_with(weights(DType::kFloat16)));
  EXPECT_EQ(stored.nodes.at(0).form, Form::kHalfStorage);
  EXPECT_EQ(stored.tensors.at(0).bytes_after, 2u * 64 * 96);
  TestModel model = product_model();
  model.main().output("s").node("Softmax", {"y"}, {"s"}, "soft");
  model.main().output("e").node("Erf", {"y"}, {"e"}, "erf");
  Use use = weights(DType::kFloat16);
  use.compute = DType::kFloat16;
  const Planned loaded(model);
  const Plan computed = loaded.plan(policy_with(use), test_target());
  EXPECT_EQ(node_named(computed, loaded.index(), "/fc")->form, Form::kHalfCompute);
  EXPECT_EQ(node_named(computed, loaded.index(), "/soft")->form, Form::kHalfCompute);
  EXPECT_EQ(node_named(computed, loaded.index(), "/erf"), nullptr);  // no fp16 kernel
}

TEST(Decide, Bf16NeedsOpset13) {
  const Error error = error_of([&] { plan_of(product_model(-1, 12), policy_with(weights(DType::kBfloat16))); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_NE(error.message().find("bf16 storage needs opset 13 (Cast), the model has 12; use fp16"), std::string::npos);
}

TEST(Decide, APolicyWithoutWeightsKeepsEverything) {
  const Plan plan = plan_of(product_model(), policy_with(Use{}));
  EXPECT_TRUE(plan.changes_nothing());
  EXPECT_EQ(kept_named(plan, "w")->reason.text, "the policy asks for no type of weights");
}

TEST(Decide, TheRiskOfSaturationIsToldWhereTheTargetHasIt) {
  TargetProfile target = test_target();
  target.saturates_u8s8 = true;
  Use use = with_form(DType::kInt8, FormChoice::kDynamicInteger);
  EXPECT_TRUE(mentions(plan_of(product_model(), policy_with(use), target).warnings, "`range: 7bit` avoids it"));
  use.range = "7bit";
  EXPECT_TRUE(plan_of(product_model(), policy_with(use), target).warnings.empty());
}

}  // namespace
}  // namespace vetquant::test
