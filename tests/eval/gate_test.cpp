#include "vetquant/eval/gate.h"

#include <gtest/gtest.h>

#include "vetquant/core/error.h"

namespace vetquant {
namespace {

std::string error_of(const std::string& text) {
  try {
    parse_gate(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    return error.what();
  }
  return "no error";
}

Judgement two_models() {
  Judgement judgement;
  judgement.models.resize(2);
  judgement.models[0].name = "float";
  judgement.models[1].name = "int8";
  Metric top1{"top1",
              "",
              "%",
              Better::kHigher,
              {97.5, {{95, {96, 98.5}}, {90, {96.4, 98.2}}}, "", true},
              Estimate{-0.5, {{95, {-1.2, 0.3}}, {90, {-0.9, 0.1}}}, "", true},
              std::nullopt};
  derive_ratio(top1, 98);
  Metric bytes{"file_bytes", "", "B", Better::kLower, {30e6, {}, "", false}, Estimate{-70e6, {}, "", false},
               std::nullopt};
  derive_ratio(bytes, 100e6);
  judgement.models[1].metrics = {top1, bytes};
  for (const auto& [output, value] : {std::pair<const char*, double>{"a", 40}, {"b", 20}}) {
    judgement.models[1].metrics.push_back(
        {"sqnr_db", output, "dB", Better::kHigher, {value, {{95, {value - 1, value + 1}}}, "", true}, {}, {}});
  }
  return judgement;
}

bool passes(const std::string& text) {
  const auto results = evaluate_gates({parse_gate(text)}, two_models());
  EXPECT_EQ(results.size(), 1U);  // not the baseline
  return results.at(0).passed;
}

TEST(Gate, GrammarTellsAbsoluteDifferenceChangeAndShare) {
  const Gate difference = parse_gate("top1 >= -0.5");
  EXPECT_EQ(difference.metric, "top1");
  EXPECT_EQ(difference.op, GateOp::kAtLeast);
  EXPECT_EQ(difference.scale, GateScale::kDifference);
  EXPECT_EQ(difference.value, -0.5);
  EXPECT_EQ(difference.confidence_pct, 95);
  EXPECT_EQ(parse_gate("wer<=+0.3").scale, GateScale::kDifference);
  EXPECT_EQ(parse_gate("top1>97").scale, GateScale::kAbsolute);
  EXPECT_EQ(parse_gate("top1>97").op, GateOp::kAbove);
  EXPECT_EQ(parse_gate("top1>=97%").scale, GateScale::kAbsolute);
  EXPECT_EQ(parse_gate("file_bytes<=-70%").scale, GateScale::kChangePct);
  EXPECT_EQ(parse_gate("latency_ms<0.8x").scale, GateScale::kShare);
  EXPECT_EQ(parse_gate("file_bytes<=30MB").value, 30e6);
  EXPECT_EQ(parse_gate("latency_ms<=20ms").value, 20);
  const Gate named = parse_gate("sqnr_db[a>=b]>=30@90");
  EXPECT_EQ(named.output, "a>=b");
  EXPECT_EQ(named.value, 30);
  EXPECT_EQ(named.confidence_pct, 90);
  EXPECT_EQ(parse_gate("top1>=90", 80).confidence_pct, 80);
}

TEST(Gate, WhatIsNoGateIsAUsageErrorThatShowsHow) {
  EXPECT_EQ(error_of("top1"),
            "gate 'top1': one of >= <= > < is missing; a gate is METRIC OP VALUE, such as top1>=-0.5, latency_ms<=0.8x "
            "or file_bytes<=30MB");
  EXPECT_NE(error_of(">=3").find("the metric is missing"), std::string::npos);
  EXPECT_NE(error_of("top1>=x").find("'x' is not a number"), std::string::npos);
  EXPECT_NE(error_of("top1>=nan").find("is not a number"), std::string::npos);
  EXPECT_NE(error_of("latency_ms<=80%").find("a percentage needs a sign"), std::string::npos);
  EXPECT_NE(error_of("top1>=3kg").find("'kg' is no unit here"), std::string::npos);
  EXPECT_NE(error_of("top1>=3@100").find("below 100 percent"), std::string::npos);
  EXPECT_NE(error_of("sqnr_db[a>=3").find("']' is missing"), std::string::npos);
}

TEST(Gate, AnUnknownMetricIsToldBeforeTheWork) {
  TestSet set;
  set.task = TaskKind::kClassification;
  EXPECT_NO_THROW(check_gates({parse_gate("top1>=1"), parse_gate("top5>=1"), parse_gate("peak_bytes<=1GB")}, set));
  try {
    check_gates({parse_gate("wer<=+0.3")}, set);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(
        error.what(),
        "gate 'wer<=+0.3': the task classification has no metric 'wer'; it has top1, top5, macro_f1, ece, recall, "
        "file_bytes, load_ms, latency_ms, settled_bytes, peak_bytes");
  }
}

TEST(Gate, TheBoundOfTheIntervalMustMeetIt) {
  EXPECT_TRUE(passes("top1>=-1.2"));
  EXPECT_FALSE(passes("top1>=-1.1"));
  EXPECT_TRUE(passes("top1>=-0.9@90"));
  EXPECT_TRUE(passes("top1>=-0.5@0"));
  EXPECT_FALSE(passes("top1>=-0.4@0"));
  EXPECT_TRUE(passes("top1>=96"));
  EXPECT_FALSE(passes("top1>96"));
  EXPECT_TRUE(passes("top1<=98.5"));
  EXPECT_FALSE(passes("top1<=98.4"));
  EXPECT_TRUE(passes("top1>=0.987x"));  // 1 - 1.2 / 98
  EXPECT_FALSE(passes("top1>=0.988x"));
}

TEST(Gate, CountsAreTakenAsTheyAre) {
  EXPECT_TRUE(passes("file_bytes<=30MB"));
  EXPECT_TRUE(passes("file_bytes<=-70%"));
  EXPECT_FALSE(passes("file_bytes<=-71%"));
  EXPECT_TRUE(passes("file_bytes<=0.3x"));
  EXPECT_FALSE(passes("file_bytes<=29.9MB"));
}

TEST(Gate, WithoutAnOutputEveryOutputMustMeetIt) {
  EXPECT_TRUE(passes("sqnr_db[a]>=30"));
  EXPECT_FALSE(passes("sqnr_db[b]>=30"));
  EXPECT_FALSE(passes("sqnr_db>=30"));
  EXPECT_TRUE(passes("sqnr_db>=19"));
}

TEST(Gate, WhatCannotBeJudgedFailsAndSaysWhy) {
  Judgement judgement = two_models();
  EXPECT_EQ(evaluate_gates({parse_gate("sqnr_db[a]>=+1")}, judgement)[0].reason,
            "sqnr_db[a] has no difference to a baseline; compare it with an absolute value");
  EXPECT_EQ(evaluate_gates({parse_gate("top1>=-1@80")}, judgement)[0].reason,
            "top1: no interval (); give more samples, or write @0 to compare the value itself");
  EXPECT_FALSE(evaluate_gates({parse_gate("cosine>=0.9")}, judgement)[0].passed);
  judgement.models[1].failure = "crashed";
  const auto failed = evaluate_gates({parse_gate("file_bytes<=1GB")}, judgement);
  EXPECT_FALSE(failed[0].passed);
  EXPECT_EQ(failed[0].reason, "the model failed");
}

TEST(Gate, AModelThatIsAloneIsJudgedItself) {
  Judgement judgement = two_models();
  judgement.models.erase(judgement.models.begin());
  EXPECT_TRUE(evaluate_gates({parse_gate("top1>=96")}, judgement).at(0).passed);
}

TEST(Gate, PolicyGatesBecomeGates) {
  PolicyGate written;
  written.metric = "top1";
  written.max_decrease = 0.5;
  written.keep = 0.95;
  written.confidence_pct = 90;
  const auto gates = gates_of(written);
  ASSERT_EQ(gates.size(), 2U);
  EXPECT_EQ(gates[0].op, GateOp::kAtLeast);
  EXPECT_EQ(gates[0].scale, GateScale::kDifference);
  EXPECT_EQ(gates[0].value, -0.5);
  EXPECT_EQ(gates[0].text, "top1 max_decrease 0.5");
  EXPECT_EQ(gates[1].scale, GateScale::kShare);
  EXPECT_EQ(gates[1].confidence_pct, 90);
  EXPECT_THROW(gates_of(PolicyGate{}), Error);
}

}  // namespace
}  // namespace vetquant
