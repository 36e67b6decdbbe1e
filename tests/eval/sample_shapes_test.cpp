// The shapes that samples have, and what a set that does not fit the model is told.
#include "vetquant/eval/sample_shapes.h"

#include <gtest/gtest.h>

#include "language_support.h"
#include "vetquant/core/error.h"
#include "vetquant/eval/language_model.h"

namespace vetquant {
namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;

TensorInfo floats(const std::string& name, std::vector<int64_t> shape) {
  return {name, DType::kFloat32, shape, std::vector<std::string>(shape.size())};
}
TensorInfo ids(const std::string& name) { return {name, DType::kInt64, {-1, -1}, {"", ""}}; }

// Sample i has i + 1 rows.
class Growing : public InputSource {
 public:
  HostTensor tensor(size_t sample, size_t, const TensorInfo&) override {
    const auto rows = static_cast<int64_t>(sample) + 1;
    return make_floats({rows, 2}, std::vector<float>(static_cast<size_t>(rows) * 2));
  }
};

TestSet growing_set(size_t samples) {
  TestSet set;
  set.path = "set.yaml";
  set.samples = samples;
  set.inputs["x"] = std::make_shared<Growing>();
  return set;
}

TEST(SampleShapes, AreThoseOfTheMiddleSample) {
  EXPECT_EQ(sample_shapes(growing_set(1), {floats("x", {-1, 2})}), (Shapes{{"x", {1, 2}}}));
  EXPECT_EQ(sample_shapes(growing_set(9), {floats("x", {-1, 2})}), (Shapes{{"x", {5, 2}}}));
}

TEST(SampleShapes, OfManySamplesAFewSpreadOverTheSetTell) {
  const int64_t rows = sample_shapes(growing_set(6400), {floats("x", {-1, 2})}).at("x").at(0);
  EXPECT_EQ(rows, 3201);
}

TEST(SampleShapes, InputsThatTheSetDoesNotGiveAreLeftOut) {
  EXPECT_EQ(sample_shapes(growing_set(3), {floats("x", {-1, 2}), floats("noise", {-1})}), (Shapes{{"x", {2, 2}}}));
}

TEST(SampleShapes, AnInputThatTheModelDoesNotHaveIsTold) {
  try {
    sample_shapes(growing_set(3), {floats("y", {-1, 2})});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_STREQ(error.what(), "set.yaml: gives an input 'x', which the model does not have");
  }
}

TestSet language_set(size_t window, size_t tokens_per_run) {
  auto language = std::make_shared<LanguageSet>(LanguageSet{Tokenizer::parse(test::kFourTokens, "four"), {}, {}, {}});
  language->window = window;
  language->tokens_per_run = tokens_per_run;
  for (const size_t tokens : {5, 20, 90}) {
    Document document;
    document.text.ids.assign(tokens, 1);
    language->documents.push_back(document);
  }
  TestSet set;
  set.task = TaskKind::kLanguageModel;
  set.language = language;
  return set;
}

TEST(SampleShapes, OfALanguageModelAreTheTokensOfOneRun) {
  const std::vector<TensorInfo> inputs = {ids("input_ids"), ids("attention_mask"), ids("position_ids"),
                                          floats("past_key_values.0.key", {-1, 2, -1, 4})};
  EXPECT_EQ(sample_shapes(language_set(64, 0), inputs),
            (Shapes{{"input_ids", {1, 20}}, {"attention_mask", {1, 20}}, {"position_ids", {1, 20}}}));
  EXPECT_EQ(sample_shapes(language_set(16, 0), {ids("input_ids")}), (Shapes{{"input_ids", {1, 16}}}));
  EXPECT_EQ(sample_shapes(language_set(64, 4), inputs),
            (Shapes{{"input_ids", {1, 4}}, {"position_ids", {1, 4}}}));  // the mask grows with the cache
}

TEST(SampleShapes, SpeechModelsHaveSeveralGraphs) {
  TestSet set;
  set.task = TaskKind::kSpeech;
  set.path = "speech.yaml";
  try {
    sample_shapes(set, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_STREQ(error.what(),
                 "speech.yaml: a speech model has several graphs, each with lengths of its own: name them by --shape");
  }
}

}  // namespace
}  // namespace vetquant
