#include <gtest/gtest.h>

#include "support/error_of.h"
#include "vetquant/policy/policy.h"

namespace vetquant {
namespace {

Matcher matcher_of(const std::string& match) {
  return Matcher(parse_policy("version: 1\nrules:\n  - {match: " + match + ", use: keep}\n", "f.yaml").rules.at(0));
}

MatchSubject fc1() {
  return {.node_address = "/decode_if/then_branch/layers.0/fc1/MatMul",
          .scope_path = "/decode_if/then_branch",
          .domain = "",
          .op = "MatMul",
          .tensor_address = "decoder.layers.0.fc1.weight",
          .elements = 1000,
          .input = 1};
}

TEST(Matcher, NodesByGlobOverTheWholeAddress) {
  EXPECT_TRUE(matcher_of("{node: \"**/fc1/*\"}").matches(fc1()));
  EXPECT_FALSE(matcher_of("{node: \"*/fc1/*\"}").matches(fc1()));
  EXPECT_TRUE(matcher_of("{node: [nothing, \"/decode_if/**\"]}").matches(fc1()));
  EXPECT_FALSE(matcher_of("{node: \"**/fc1\"}").matches(fc1()));
}

TEST(Matcher, NodesByRegularExpressionOverTheWholeAddress) {
  EXPECT_TRUE(matcher_of("{node_regex: \".*/fc[12]/.*\"}").matches(fc1()));
  EXPECT_FALSE(matcher_of("{node_regex: \"fc[12]\"}").matches(fc1()));
  EXPECT_TRUE(matcher_of("{node_regex: [x, \"/decode_if/.+\"]}").matches(fc1()));
}

TEST(Matcher, OperatorsWithAndWithoutDomain) {
  MatchSubject subject = fc1();
  EXPECT_TRUE(matcher_of("{op: [Gemm, MatMul]}").matches(subject));
  EXPECT_TRUE(matcher_of("{op: \"Mat*\"}").matches(subject));
  EXPECT_FALSE(matcher_of("{op: \"com.microsoft:MatMul\"}").matches(subject));
  subject.domain = "ai.onnx";
  EXPECT_TRUE(matcher_of("{op: MatMul}").matches(subject));
  subject.domain = "com.microsoft";
  EXPECT_FALSE(matcher_of("{op: MatMul}").matches(subject));
  EXPECT_TRUE(matcher_of("{op: \"com.microsoft:MatMul\"}").matches(subject));
}

TEST(Matcher, TensorsScopesInputsAndElements) {
  EXPECT_TRUE(matcher_of("{tensor: \"*.fc1.weight\"}").matches(fc1()));
  EXPECT_FALSE(matcher_of("{tensor: \"fc1\"}").matches(fc1()));
  EXPECT_TRUE(matcher_of("{scope: \"/decode_if/*\"}").matches(fc1()));
  EXPECT_FALSE(matcher_of("{scope: \"\\\"\\\"\"}").matches(fc1()));
  EXPECT_TRUE(matcher_of("{input: 1}").matches(fc1()));
  EXPECT_FALSE(matcher_of("{input: 2}").matches(fc1()));
  EXPECT_TRUE(matcher_of("{min_elements: 1000, max_elements: 1000}").matches(fc1()));
  EXPECT_FALSE(matcher_of("{min_elements: 1001}").matches(fc1()));
  EXPECT_FALSE(matcher_of("{max_elements: 999}").matches(fc1()));
}

TEST(Matcher, AllConditionsMustHold) {
  EXPECT_TRUE(matcher_of("{op: MatMul, tensor: \"*fc1*\"}").matches(fc1()));
  EXPECT_FALSE(matcher_of("{op: Gemm, tensor: \"*fc1*\"}").matches(fc1()));
  EXPECT_FALSE(matcher_of("{op: MatMul, node_regex: none}").matches(fc1()));
}

TEST(Matcher, EveryScopeIncludesTheMainGraph) {
  MatchSubject subject = fc1();
  subject.scope_path = "";
  EXPECT_TRUE(matcher_of("{scope: \"**\"}").matches(subject));
}

TEST(Matcher, NamesThatAreNoUtf8AreNoError) {
  MatchSubject subject = fc1();
  subject.node_address = "/\xff\xfe/MatMul";
  EXPECT_FALSE(matcher_of("{node_regex: \"/x/.*\"}").matches(subject));
}

TEST(Matcher, ExplodingExpressionsStopWithTheRulesPlace) {
  MatchSubject subject = fc1();
  const std::string address(40, 'a');
  subject.node_address = address;
  const Matcher matcher = matcher_of("{node_regex: \"(a+)+[bc]\"}");
  const Error error = test::error_of([&] { matcher.matches(subject); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_EQ(error.where(), "f.yaml:3:5");
  EXPECT_EQ(error.message(), "node_regex takes too many steps on '" + address + "'; write it simpler");
}

}  // namespace
}  // namespace vetquant
