#include "vetquant/eval/language_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "eval/language_support.h"
#include "runtime/support.h"
#include "support/error_of.h"
#include "token_scores.h"
#include "vetquant/core/error.h"
#include "vetquant/eval/gate.h"
#include "vetquant/eval/judge.h"

namespace vetquant {
namespace {

using test::bigram_model;
using test::error_of;
using test::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<float> kUniform(16, 0.0F);

struct Language {
  TempFolder folder;
  std::filesystem::path set(const std::string& keys) const {
    folder.write("tokenizer.json", test::kFourTokens);
    return folder.write("set.yaml", "version: 1\ntask: language_model\ntokenizer: tokenizer.json\n" + keys);
  }
  TestSet load(const std::string& keys) const { return load_test_set(set(keys)); }
  Judgement judged(const std::string& keys, const std::vector<test::TestModel>& models) const {
    JudgeOptions options;
    for (size_t m = 0; m < models.size(); ++m)
      options.models.push_back(folder.write("m" + std::to_string(m) + ".onnx", models[m]));
    options.runtime_library = find_runtime_library();
    options.worker = test::worker_program();
    options.timed_rounds = 0;
    options.statistics.resamples = 200;
    options.count_operators = CountOperators::kNo;
    return judge(load(keys), options);
  }
};

double value(const ModelResult& model, const std::string& key) {
  const Metric* metric = find_metric(model, key);
  EXPECT_NE(metric, nullptr) << key;
  return metric ? metric->value.value : std::nan("");
}

TEST(TokenScores, AreLogSoftmaxAndDivergence) {
  const std::vector<float> base = {0, std::log(3.0F), 0, 0}, own = {5, 5, 5, 5};
  const TokenScore p = score_token(base, 1), q = score_token(own, 2);
  EXPECT_NEAR(p.nll, std::log(2.0), 1e-7);
  EXPECT_EQ(p.best, 1U);
  EXPECT_NEAR(q.nll, std::log(4.0), 1e-12);
  EXPECT_EQ(q.best, 0U);
  EXPECT_NEAR(divergence(base, p.log_sum, own, q.log_sum), 0.5 * std::log(2.0) + 0.5 * std::log(4.0 / 6), 1e-7);
  EXPECT_EQ(divergence(base, p.log_sum, base, p.log_sum), 0);
}

TEST(TokenScores, ATokenOrDistributionThatIsNoNumberIsInfinitelyFar) {
  const std::vector<float> base = {0, 0}, broken = {NAN, NAN};
  const TokenScore p = score_token(base, 0), q = score_token(broken, 0);
  EXPECT_EQ(q.nll, HUGE_VAL);
  EXPECT_EQ(divergence(base, p.log_sum, broken, q.log_sum), HUGE_VAL);
}

TEST(LanguageModel, AUniformModelHasThePerplexityOfItsVocabulary) {
  Language language;
  language.folder.write("t.txt", "ab ab ab\nba\n\ncc a\n");
  const Judgement judgement = language.judged("texts: t.txt\n", {bigram_model(kUniform)});
  const ModelResult& model = judgement.models[0];
  EXPECT_EQ(judgement.task, "language_model");
  EXPECT_EQ(judgement.unit, "document");
  EXPECT_EQ(judgement.samples, 3U);
  EXPECT_NEAR(value(model, "token_perplexity"), 4, 1e-9);
  EXPECT_NEAR(value(model, "bits_per_byte"), 2, 1e-9);
  // 7 + 1 + 3 scored tokens; what is left of the words without the first token: "b ab ab", "a", "c a".
  EXPECT_NEAR(value(model, "word_perplexity"), std::pow(4, 11.0 / 6), 1e-9);
  EXPECT_EQ(find_metric(model, "kl_mean"), nullptr);
}

TEST(LanguageModel, IsComparedWithTheBaselinesDistribution) {
  Language language;
  language.folder.write("t.txt", "aab\nbba\n");  // a->a, a->b; b->b, b->a
  const Judgement judgement =
      language.judged("texts: t.txt\n", {bigram_model(test::b_follows_a()), bigram_model(kUniform)});
  const ModelResult& model = judgement.models[1];
  const double after_a = 0.5 * std::log(2.0) + 0.5 * std::log(4.0 / 6),
               base_nll = std::log(6.0) + std::log(2.0) + 2 * std::log(4.0);
  EXPECT_NEAR(value(judgement.models[0], "token_perplexity"), std::exp(base_nll / 4), 1e-6);
  EXPECT_NEAR(find_metric(model, "token_perplexity")->difference->value, 4 - std::exp(base_nll / 4), 1e-6);
  EXPECT_NEAR(find_metric(model, "token_perplexity")->ratio->value, 4 / std::exp(base_nll / 4), 1e-6);
  EXPECT_NEAR(value(model, "kl_mean"), after_a / 2, 1e-6);
  EXPECT_NEAR(value(model, "kl_p99"), after_a, 1e-6);
  EXPECT_NEAR(value(model, "kl_max"), after_a, 1e-6);
  EXPECT_EQ(value(model, "top1_agreement"), 50);
  ASSERT_EQ(model.examples.size(), 2U);
  EXPECT_EQ(model.examples[0].item, "t.txt:1, token 2: KL 0.144 nats");
  EXPECT_EQ(model.examples[0].reference, "aa");
  EXPECT_EQ(model.examples[0].baseline, "ab");
  EXPECT_EQ(model.examples[0].candidate, "aa");
}

TEST(LanguageModel, FillsGapsByLikelihoodAndEqualOnesAreWrong) {
  Language language;
  language.folder.write("c.csv", "text,choices,answer,cluster\na___,b|c,b,x\nca___c,c|b,b,y\na___,b|c,c,y\n");
  const Judgement judgement =
      language.judged("cloze: c.csv\n", {bigram_model(test::b_follows_a()), bigram_model(kUniform)});
  EXPECT_EQ(judgement.unit, "item");
  EXPECT_NEAR(value(judgement.models[0], "cloze_accuracy"), 200.0 / 3, 1e-9);
  EXPECT_EQ(value(judgement.models[1], "cloze_accuracy"), 0);
  EXPECT_NEAR(find_metric(judgement.models[1], "cloze_accuracy")->difference->value, -200.0 / 3, 1e-9);
  EXPECT_EQ(judgement.models[1].examples[0].candidate, "a(none)");
  EXPECT_THAT(judgement.models[1].examples[0].terms, ElementsAre("b"));
}

// Choices begin alike, differ in length, end the text, or differ from its first token on: what they have in common is read
// once where there are caches, and what is said of them is the same.
TEST(LanguageModel, GapsAreFilledAlikeWithAndWithoutCaches) {
  Language language;
  language.folder.write("c.csv",
                        "text,choices,answer\n"
                        "ab ca___,ab|ac|abba|c,abba\n"
                        "cab___ab,bb|ba|b,b\n"
                        "bba ___,ca|cab|cabb|a,a\n"
                        "a___cc ab,b|c|a,c\n");
  const std::vector<float> table = {0.4F, -1.2F, 0.3F, 0.9F, -0.8F, 0.1F, 1.1F,  -0.3F,
                                    0.2F, 0.7F,  -1,   0.5F, -0.1F, 0.6F, -0.4F, -0.9F};
  const Judgement judgement = language.judged(
      "cloze: c.csv\n", {test::summing_model(table, false), test::summing_model(table, true), bigram_model(kUniform)});
  EXPECT_EQ(judgement.models[1].failure, "");
  EXPECT_GT(value(judgement.models[0], "cloze_accuracy"), 0);
  EXPECT_EQ(value(judgement.models[1], "cloze_accuracy"), value(judgement.models[0], "cloze_accuracy"));
  for (const ErrorExample& wrong : judgement.models[1].examples)
    EXPECT_EQ(wrong.candidate, wrong.baseline) << wrong.item;
}

TEST(LanguageModel, EveryTokenIsScoredOnceWhateverTheWindows) {
  Language language;
  language.folder.write("t.txt", "ab abc cab bcab acb aab\n");
  const auto nll = [&](const std::string& keys) {
    return value(language.judged("texts: t.txt\n" + keys, {bigram_model(test::b_follows_a())}).models[0],
                 "token_perplexity");
  };
  const double whole = nll("window: 512\n");
  EXPECT_NEAR(nll("window: 5\n"), whole, 1e-9);
  EXPECT_NEAR(nll("window: 5\nstride: 2\n"), whole, 1e-9);
  EXPECT_NEAR(nll("window: 2\nstride: 1\n"), whole, 1e-9);
  EXPECT_GT(std::abs(nll("start: a\n") - whole), 1e-3);  // the first token counts, too
}

TEST(LanguageModel, NoDisagreementIsNotCertainty) {
  Language language;
  language.folder.write("t.txt", "ab\naab\nbb\ncab\nbc\nacb\n");
  const auto model = bigram_model(test::b_follows_a());
  const Judgement judgement = language.judged("texts: t.txt\n", {model, model});
  const Metric* agreement = find_metric(judgement.models[1], "top1_agreement");
  EXPECT_EQ(agreement->value.value, 100);
  EXPECT_NEAR(agreement->value.at(95)->low, 100 * std::pow(0.025, 1.0 / 6), 1e-6);
  EXPECT_EQ(value(judgement.models[1], "kl_mean"), 0);
}

TEST(LanguageModel, GatesTakeItsMetricsAlone) {
  Language language;
  language.folder.write("t.txt", "ab\n");
  const TestSet set = language.load("texts: t.txt\n");
  check_gates({parse_gate("token_perplexity<=+1%"), parse_gate("kl_mean<=0.01"), parse_gate("top1_agreement>=99%")},
              set);
  EXPECT_THAT(error_of([&] { check_gates({parse_gate("cloze_accuracy>=0.99x")}, set); }).message(),
              HasSubstr("the task language_model has no metric 'cloze_accuracy'"));
}

TEST(LanguageModel, ABaselineThatIsNoneIsTheUsersMistake) {
  Language language;
  language.folder.write("t.txt", "abc\n");
  const auto message = [&](const test::TestModel& model) {
    const Error error = error_of([&] { language.judged("texts: t.txt\n", {model}); });
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    return error.message();
  };
  EXPECT_THAT(message(test::linear_model(test::plain_weights())), HasSubstr("no input 'input_ids'"));
  EXPECT_THAT(message(bigram_model(std::vector<float>(12, 0), 3)), HasSubstr("the tokenizer gives token 3"));
  test::TestModel more = bigram_model(kUniform);
  more.main().input("temperature", test::kFloat, {1}).output("same", test::kFloat, {1});
  more.main().node("Identity", {"temperature"}, {"same"});
  EXPECT_THAT(message(more), HasSubstr("wants an input 'temperature'"));
}

TEST(LanguageModel, AnotherModelsMisfitIsItsResult) {
  Language language;
  language.folder.write("t.txt", "abc\n");
  const Judgement judgement =
      language.judged("texts: t.txt\n", {bigram_model(kUniform), test::linear_model(test::plain_weights())});
  EXPECT_EQ(judgement.models[0].failure, "");
  EXPECT_THAT(judgement.models[1].failure, HasSubstr("no input 'input_ids'"));
}

TEST(LanguageSetFile, SaysWhereItIsWrong) {
  Language language;
  const auto refused = [&](const std::string& keys) {
    const Error error = error_of([&] { language.load(keys); });
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    return std::string(error.what());
  };
  language.folder.write("t.txt", "ab\na\n");
  EXPECT_THAT(refused("texts: t.txt\n"), HasSubstr("t.txt:2: has no token to score"));
  EXPECT_THAT(refused("text: t.txt\n"), HasSubstr("set.yaml:4:1: unknown key 'text'; did you mean 'texts'?"));
  EXPECT_THAT(refused(""), HasSubstr("gives nothing to read"));
  EXPECT_THAT(refused("texts: t.txt\nstride: 600\n"), HasSubstr("'stride' must be an integer from 1 to 512"));
  EXPECT_THAT(refused("texts: t.txt\nstart: <s>\n"), HasSubstr("no token '<s>'"));
  language.folder.write("bad.txt", "ab\na\xff\n");
  EXPECT_THAT(refused("texts: bad.txt\n"), HasSubstr("bad.txt:2: the text is not UTF-8 at byte 1"));
  EXPECT_THAT(refused("texts: t.txt\nfiles: {t.txt: 'xxh3:00'}\n"),
              HasSubstr("is not the file that the test set was made"));
}

TEST(LanguageSetFile, SaysWhichGapIsWrong) {
  Language language;
  const auto refused = [&](const std::string& row) {
    language.folder.write("c.csv", "text,choices,answer\na___,b|c,b\n" + row + "\n");
    return std::string(error_of([&] { language.load("cloze: c.csv\n"); }).what());
  };
  EXPECT_THAT(refused("ab,b|c,b"), HasSubstr("c.csv:3: a text has one gap"));
  EXPECT_THAT(refused("a___b___,b|c,b"), HasSubstr("a text has one gap"));
  EXPECT_THAT(refused("a___,b,b"), HasSubstr("fewer than two choices"));
  EXPECT_THAT(refused("a___,b|b,b"), HasSubstr("stands there twice"));
  EXPECT_THAT(refused("a___,b|c,a"), HasSubstr("'a' is not among the choices"));
  EXPECT_THAT(refused("___a,b|c,b"), HasSubstr("the gap is in the first token"));
}

TEST(LanguageModelOnRealModels, CachesGiveWhatWholeWindowsGive) {
  const char* models = std::getenv("VETQUANT_REAL_MODELS");
  if (!models) GTEST_SKIP() << "VETQUANT_REAL_MODELS is not set";
  Language language;
  language.folder.write("t.txt", "ab abc cab bcab acb aab\ncab bab\n");
  const auto perplexity = [&](const std::string& keys) {
    JudgeOptions options;
    options.models = {std::string(models) + "/structure/llama_export.onnx"};
    options.runtime_library = find_runtime_library();
    options.worker = test::worker_program();
    options.timed_rounds = 0;
    options.count_operators = CountOperators::kNo;
    return value(judge(language.load("texts: t.txt\n" + keys), options).models[0], "token_perplexity");
  };
  const double whole = perplexity("");
  EXPECT_GT(whole, 500);
  EXPECT_LT(whole, 2000);  // weights at random: near its vocabulary, 1024
  EXPECT_NEAR(perplexity("tokens_per_run: 3\n"), whole, 1e-3);
  EXPECT_GT(std::abs(perplexity("window: 3\n") - whole), 1e-3);  // context matters to this one
}

}  // namespace
}  // namespace vetquant
