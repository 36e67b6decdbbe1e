// Forms by cost: which preference wins, what a plan says about time, and who never gets a tensor-wide activation scale.
#include "expectation.h"

#include <gtest/gtest.h>

#include "plan_fixture.h"

namespace vetquant::test {
namespace {

ProductCost cost_of(FormChoice form, int level, double few, double many) {
  return {.form = {form, 8, level}, .k = 64, .n = 64, .points = {{1, few}, {64, many}}};
}

// Dynamic int8 competes from 2 rows on and is slower than blocks for few, faster for many.
TargetProfile competing_target() {
  TargetProfile target = test_target();
  target.preferences[0].min_rows = 2;
  target.preferences[0].competes = target.preferences[1].competes = true;
  target.costs.source = "a test";
  target.costs.products = {cost_of(FormChoice::kDynamicInteger, 0, 0.9, 0.4),
                           cost_of(FormChoice::kMatMulNBits, 4, 0.5, 1.25)};
  return target;
}

Plan plan_of(int64_t rows, const TargetProfile& target) {
  return Planned(product_model(rows)).plan(test_policy(DType::kInt8), target);
}

TEST(Expectation, TheFastestOfTheFormsThatCompeteIsTaken) {
  EXPECT_EQ(plan_of(2, competing_target()).nodes.at(0).form, Form::kMatMulNBits);
  const Plan many = plan_of(64, competing_target());
  EXPECT_EQ(many.nodes.at(0).form, Form::kDynamicInteger);
  EXPECT_DOUBLE_EQ(*many.nodes[0].expected_share, 0.4);
  EXPECT_NE(many.nodes[0].reason.text.find("; the fastest of 2 forms by the target's costs"), std::string::npos)
      << many.nodes[0].reason.text;
}

TEST(Expectation, WithoutCostsTheFirstPreferenceIsTaken) {
  TargetProfile target = competing_target();
  target.costs = {};
  const Plan plan = plan_of(2, target);
  EXPECT_EQ(plan.nodes.at(0).form, Form::kDynamicInteger);
  EXPECT_FALSE(plan.nodes[0].expected_share.has_value());
  EXPECT_FALSE(mentions(plan.notes, "of float's time"));
}

TEST(Expectation, UnknownRowsLetNothingCompeteAndCountAsOne) {
  const Plan plan = plan_of(-1, competing_target());
  EXPECT_EQ(plan.nodes.at(0).form, Form::kMatMulNBits);
  EXPECT_DOUBLE_EQ(*plan.nodes[0].expected_share, 0.5);
  EXPECT_TRUE(
      mentions(plan.notes,
               "1 product should take 0.50 of float's time on test-target; one row assumed for 1, as theirs are "
               "unknown (`--shape` or `--profile-on` tells them) (a test)"));
}

TEST(Expectation, AProductThatShouldBeSlowerThanFloatIsAWarning) {
  TargetProfile target = competing_target();
  target.preferences.erase(target.preferences.begin());  // blocks are all there is
  const Plan plan = plan_of(64, target);
  EXPECT_TRUE(mentions(plan.warnings,
                       "1 product in matmul_nbits should be slower than float on test-target: up to 1.25 of its time, "
                       "with 64 rows"));
  EXPECT_FALSE(mentions(plan_of(2, target).warnings, "slower than float"));
}

TEST(Expectation, WhatIsFoldedAtLoadTakesFloatsTime) {
  Policy policy = test_policy(DType::kInt8);
  policy.defaults.activations = Activations::kNone;
  const Plan plan = Planned(product_model(64)).plan(policy, competing_target());
  EXPECT_DOUBLE_EQ(*plan.nodes.at(0).expected_share, 1.0);
}

enum class Features { kNone, kCache, kStates };

// tokens [64] -> rows of a table [entries, 64] -> x @ w.
TestModel token_model(int64_t entries, Features features) {
  TestModel model;
  if (features == Features::kCache) model.main().input("past_key_values.0.key", kFloat, {1, 2, -1, 4});
  if (features == Features::kStates) model.main().input("encoder_hidden_states", kFloat, {1, 10, 64});
  model.main().input("ids", kInt64, {64}).output("y", kFloat, {64, 96});
  model.main().floats("table", {entries, 64}, random_floats(static_cast<size_t>(entries) * 64, 1));
  model.main().floats("w", {64, 96}, random_floats(64 * 96, 2));
  model.main().node("Gather", {"table", "ids"}, {"x"}, "look-up");
  model.main().node("MatMul", {"x", "w"}, {"y"}, "fc");
  return model;
}

TEST(Expectation, ALanguageModelDoesNotGetOneScaleForAllActivationsUnasked) {
  TargetProfile target = competing_target();
  target.preferences[0].language_model = false;
  const auto form_of_product = [&](int64_t entries, Features features, const Policy& policy) {
    const Planned planned(token_model(entries, features));
    return node_named(planned.plan(policy, target), planned.index(), "/fc")->form;
  };
  const Policy plain = test_policy(DType::kInt8);
  EXPECT_EQ(form_of_product(1000, Features::kNone, plain), Form::kMatMulNBits);
  EXPECT_EQ(form_of_product(1000, Features::kCache, plain), Form::kMatMulNBits);
  EXPECT_EQ(form_of_product(1000, Features::kStates, plain), Form::kDynamicInteger);  // the decoder of an encoder
  EXPECT_EQ(form_of_product(100, Features::kNone, plain), Form::kDynamicInteger);     // positions, not words
  Policy asked = plain;
  asked.defaults.activations = Activations::kDynamic;
  EXPECT_EQ(form_of_product(1000, Features::kNone, asked), Form::kDynamicInteger);
}

}  // namespace
}  // namespace vetquant::test
