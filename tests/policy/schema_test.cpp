// models/policies/policy.schema.json knows the keys and words that the parser knows, no more and no less.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "vetquant/policy/policy.h"
#include "words.h"

namespace vetquant {
namespace {

using Json = nlohmann::json;

std::set<std::string> names(words::Words words) { return {words.begin(), words.end()}; }

std::set<std::string> keys_of(const Json& object) {
  EXPECT_EQ(object.at("additionalProperties"), false);
  std::set<std::string> keys;
  for (const auto& [key, value] : object.at("properties").items()) keys.insert(key);
  return keys;
}

std::set<std::string> enumeration(const Json& property) { return property.at("enum").get<std::set<std::string>>(); }

class Schema : public testing::Test {
 protected:
  const Json root = Json::parse(policy_schema());
  const Json& use = root.at("$defs").at("use").at("oneOf").at(1);
};

TEST_F(Schema, HasTheKeysOfTheParser) {
  const Json& defs = root.at("$defs");
  const Json& properties = root.at("properties");
  EXPECT_EQ(keys_of(root), names(words::kPolicyKeys));
  EXPECT_EQ(keys_of(defs.at("rule")), names(words::kRuleKeys));
  EXPECT_EQ(keys_of(defs.at("match")), names(words::kMatchKeys));
  EXPECT_EQ(keys_of(use), names(words::kUseKeys));
  EXPECT_EQ(keys_of(defs.at("gate")), names(words::kGateKeys));
  EXPECT_EQ(keys_of(properties.at("tensors")), names(words::kTensorKeys));
  EXPECT_EQ(keys_of(properties.at("calibration")), names(words::kCalibrationKeys));
  EXPECT_EQ(keys_of(properties.at("clean_up")), names(words::kCleanUpKeys));
  EXPECT_EQ(keys_of(properties.at("self_check").at("oneOf").at(1)), names(words::kSelfCheckKeys));
  EXPECT_EQ(keys_of(properties.at("budget")), names(words::kBudgetKeys));
}

TEST_F(Schema, HasTheWordsOfTheParser) {
  const Json& properties = root.at("properties");
  const Json& of_use = use.at("properties");
  EXPECT_EQ(enumeration(of_use.at("weights")), names(words::kWeights));
  EXPECT_EQ(enumeration(of_use.at("activations")), names(words::kActivations));
  EXPECT_EQ(enumeration(of_use.at("activation_type")), names(words::kActivationTypes));
  EXPECT_EQ(enumeration(of_use.at("granularity")), names(words::kGranularity));
  EXPECT_EQ(enumeration(of_use.at("range")), names(words::kRange));
  EXPECT_EQ(enumeration(of_use.at("zero_point")), names(words::kZeroPoint));
  EXPECT_EQ(enumeration(of_use.at("form")), names(words::kForm));
  EXPECT_EQ(enumeration(of_use.at("scales")), names(words::kScales));
  EXPECT_EQ(enumeration(of_use.at("compute")), names(words::kFloats));
  EXPECT_EQ(enumeration(properties.at("calibration").at("properties").at("method")), names(words::kRangeMethods));
  EXPECT_EQ(enumeration(properties.at("self_check").at("oneOf").at(1).at("properties").at("to")),
            names(words::kSelfCheckTypes));
  EXPECT_EQ(enumeration(properties.at("on_unsupported")), names(words::kOnUnsupported));
  EXPECT_EQ(enumeration(properties.at("on_unmatched_rule")), names(words::kOnUnmatchedRule));
  EXPECT_EQ(enumeration(properties.at("tensors").at("properties").at("tied")), names(words::kTied));
  EXPECT_EQ(enumeration(properties.at("tensors").at("properties").at("overridable")), names(words::kOverridable));
}

TEST_F(Schema, RequiresWhatTheParserRequires) {
  EXPECT_EQ(root.at("required"), Json({"version"}));
  EXPECT_EQ(root.at("$defs").at("rule").at("required"), Json({"match", "use"}));
  EXPECT_EQ(root.at("$defs").at("gate").at("required"), Json({"test_set", "metric"}));
}

TEST_F(Schema, ReferencesResolve) {
  std::vector<const Json*> open = {&root};
  while (!open.empty()) {
    const Json& value = *open.back();
    open.pop_back();
    if (value.is_object() && value.contains("$ref")) {
      const std::string target = value.at("$ref");
      ASSERT_EQ(target.substr(0, 8), "#/$defs/");
      EXPECT_TRUE(root.at("$defs").contains(target.substr(8))) << target;
    }
    if (value.is_structured()) {
      for (const Json& inner : value) open.push_back(&inner);
    }
  }
}

}  // namespace
}  // namespace vetquant
