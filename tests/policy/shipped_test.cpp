// What is compiled in is what stands in models/, and all of it can be used.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "support/model_builder.h"
#include "vetquant/policy/policy.h"
#include "vetquant/policy/target.h"

namespace vetquant {
namespace {

std::filesystem::path models() {
  const char* source = std::getenv("VETQUANT_SOURCE_DIR");
  return std::filesystem::path(source == nullptr ? "." : source) / "models";
}

std::set<std::string> stems(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.insert(entry.path().stem().string());
  return names;
}

TEST(Presets, EachFileIsCompiledInWithASummary) {
  std::set<std::string> names;
  for (const Preset& preset : presets()) {
    names.insert(preset.name);
    EXPECT_EQ(preset.text, test::read_text(models() / "policies" / "presets" / (preset.name + ".yaml")));
    EXPECT_GT(preset.summary.size(), 20u) << preset.name;
    EXPECT_LT(preset.summary.size(), 120u) << preset.name;
  }
  EXPECT_EQ(names, stems(models() / "policies" / "presets"));
}

TEST(Presets, EachIsAPolicyThatKeepsWhatTheTargetCannotDo) {
  for (const Preset& preset : presets()) {
    const Policy policy = load_policy(preset.name);
    EXPECT_EQ(policy.name, preset.name);
    EXPECT_EQ(policy.on_unsupported, OnUnsupported::kKeep) << preset.name;
    // Small kernels are codes, too, where a network is to run on integers throughout.
    EXPECT_EQ(policy.tensors.min_elements, preset.name == "int8-static" ? 1 : 1024) << preset.name;
    EXPECT_TRUE(policy.defaults.weights.has_value()) << preset.name;
  }
}

TEST(Examples, EachCanBeRead) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(models() / "policies" / "examples")) {
    EXPECT_NO_THROW(load_policy(entry.path().string())) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 1u);
}

TEST(Targets, EachFileIsCompiledIn) {
  std::set<std::string> names;
  for (const ShippedTarget& target : shipped_targets()) {
    names.insert(target.name);
    EXPECT_EQ(target.text, test::read_text(models() / "targets" / (target.name + ".yaml")));
    EXPECT_FALSE(target.title.empty()) << target.name;
  }
  EXPECT_EQ(names, stems(models() / "targets"));
}

TEST(Targets, TitlesAndAliasesStandInTheFirstParagraph) {
  size_t aliases = 0;
  for (const ShippedTarget& shipped : shipped_targets()) {
    for (const auto& [key, value] : parse_yaml(shipped.text, shipped.name).entries("target profile")) {
      if (key.text("key") == "title") {
        EXPECT_EQ(shipped.title, value.text("title"));
      }
      if (key.text("key") != "aliases") continue;
      EXPECT_EQ(shipped.aliases, value.texts("aliases"));
      aliases += shipped.aliases.size();
    }
  }
  EXPECT_GE(aliases, 1u);
}

TEST(Targets, EveryLineHasASourceAndEveryPreferenceAReason) {
  for (const ShippedTarget& shipped : shipped_targets()) {
    const TargetProfile target = load_target(shipped.name);
    EXPECT_EQ(target.name, shipped.name);
    EXPECT_EQ(target.title, shipped.title);
    for (const FormSupport& form : target.forms) {
      EXPECT_GT(form.source.size(), 10u) << target.name << " " << name_of(form.form);
      EXPECT_FALSE(form.min_runtime.empty());
    }
    for (const FormPreference& row : target.preferences) {
      EXPECT_GT(row.source.size(), 10u) << row.position.text();
      EXPECT_GT(row.reason.size(), 10u) << row.position.text();
    }
  }
}

TEST(Targets, APreferredFormIsOneThatTheTargetHas) {
  for (const ShippedTarget& shipped : shipped_targets()) {
    const TargetProfile target = load_target(shipped.name);
    for (const FormPreference& row : target.preferences) {
      ASSERT_TRUE(row.use.form.has_value()) << row.position.text();
      const FormSupport* support = target.find(*row.use.form);
      ASSERT_NE(support, nullptr) << row.position.text();
      for (const DType type : row.weights) {
        const auto& known = support->weights;
        EXPECT_TRUE(known.empty() || std::find(known.begin(), known.end(), type) != known.end()) << row.position.text();
      }
      const auto& blocks = support->blocks;
      if (!row.use.block || blocks.empty()) continue;
      EXPECT_NE(std::find(blocks.begin(), blocks.end(), *row.use.block), blocks.end()) << row.position.text();
    }
  }
}

TEST(Targets, AnyIntegerWeightFindsAForm) {
  for (const ShippedTarget& shipped : shipped_targets()) {
    const TargetProfile target = load_target(shipped.name);
    for (const DType type : {DType::kInt8, DType::kUint8, DType::kInt4, DType::kUint4}) {
      const bool found =
          std::any_of(target.preferences.begin(), target.preferences.end(), [&](const FormPreference& row) {
            return row.ops.empty() && row.activations.empty() &&
                   std::find(row.weights.begin(), row.weights.end(), type) != row.weights.end();
          });
      EXPECT_TRUE(found) << target.name << " " << name_of(type);
    }
  }
}

TEST(Targets, OrtCpuIsAnAliasOfTheVnniProfile) { EXPECT_EQ(load_target("ort-cpu").name, "ort-cpu-vnni"); }

TEST(Targets, WithoutVnniDynamicIntegersHaveSevenBits) {
  const TargetProfile avx2 = load_target("ort-cpu-avx2");
  EXPECT_TRUE(avx2.saturates_u8s8);
  EXPECT_EQ(avx2.instruction_set, "avx2");
  EXPECT_EQ(avx2.max_opset, load_target("ort-cpu-vnni").max_opset) << "inherited";
  const auto first = std::find_if(avx2.preferences.begin(), avx2.preferences.end(), [](const FormPreference& row) {
    return row.use.form == FormChoice::kDynamicInteger;
  });
  ASSERT_NE(first, avx2.preferences.end());
  EXPECT_EQ(first->use.range, "7bit");
  EXPECT_FALSE(load_target("ort-cpu-vnni").saturates_u8s8);
}

TEST(Targets, Arm64SaysThatItIsUntestedAndWhereItsCostsAreFrom) {
  const TargetProfile arm = load_target("ort-arm64");
  EXPECT_NE(arm.title.find("untested"), std::string::npos);
  EXPECT_NE(arm.costs.source.find("published"), std::string::npos);
  EXPECT_FALSE(arm.saturates_u8s8);
  EXPECT_EQ(arm.forms.size(), load_target("ort-cpu-vnni").forms.size()) << "inherited";
}

}  // namespace
}  // namespace vetquant
