#include "vetquant/eval/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "support/error_of.h"
#include "vetquant/core/error.h"

namespace vetquant {
namespace {

using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Ids = std::vector<uint32_t>;

// Merges in order: l+o, lo+w, Ġ+low, e+r; "<end>" is special, "~pad~" takes the spaces around it.
const std::string kVocabulary = R"({"l": 0, "o": 1, "w": 2, "e": 3, "r": 4, "Ġ": 5, "1": 6, "2": 7, "Ã": 8, "©": 9,
    "lo": 10, "low": 11, "Ġlow": 12, "er": 13, "'": 14, "s": 15, "Ċ": 16})";

std::string small_file(const std::string& pre_tokenizer = R"({"type": "ByteLevel", "add_prefix_space": false})",
                       const std::string& model_options = "") {
  return R"({"added_tokens": [
      {"id": 20, "content": "<end>", "special": true, "normalized": false},
      {"id": 21, "content": "~pad~", "special": false, "lstrip": true, "rstrip": true}],
    "pre_tokenizer": )" +
         pre_tokenizer + R"(, "decoder": {"type": "ByteLevel"},
    "post_processor": {"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<end>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
      "special_tokens": {"<end>": {"id": "<end>", "ids": [20], "tokens": ["<end>"]}}},
    "model": {"type": "BPE", "vocab": )" +
         kVocabulary + R"(, "merges": ["l o", "lo w", ["Ġ", "low"], "e r"])" + model_options + "}}";
}

Tokenizer small(const std::string& file = small_file()) { return Tokenizer::parse(file, "tokenizer.json"); }

std::string refusal(const std::string& file) {
  const Error error = error_of([&] { Tokenizer::parse(file, "t.json"); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_EQ(error.where(), "t.json");
  return error.message();
}

std::string with(std::string file, const std::string& from, const std::string& to) {
  const size_t at = file.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return file.replace(at, from.size(), to);
}

TEST(Tokenizer, JoinsPairsByRankAndTheLeftmostFirst) {
  EXPECT_THAT(small().encode("lower low"), ElementsAre(11, 13, 12));
  EXPECT_THAT(small().encode("lolo"), ElementsAre(10, 10));
}

TEST(Tokenizer, WordsDoNotJoinAcrossTheirBorders) {
  EXPECT_THAT(small().encode("lo1w"), ElementsAre(10, 6, 2));
  EXPECT_THAT(small().encode("low's"), ElementsAre(11, 14, 15));
}

TEST(Tokenizer, OfSpacesTheLastGoesToTheWord) { EXPECT_THAT(small().encode("l   low"), ElementsAre(0, 5, 5, 12)); }

TEST(Tokenizer, BytesOfOneCharacterAreTokensAndComeBackAsOne) {
  EXPECT_THAT(small().encode("\u00e9"), ElementsAre(8, 9));
  EXPECT_EQ(small().decode(Ids{8, 9}), "\u00e9");
  EXPECT_EQ(small().decode(Ids{8, 0}), "\uFFFDl");
}

TEST(Tokenizer, BytesWithoutATokenAreLeftOutOrUnknown) {
  EXPECT_THAT(small().encode("lzo"), ElementsAre(10));
  const std::string unknown =
      small_file(R"({"type": "ByteLevel", "add_prefix_space": false})", R"(, "unk_token": "w")");
  EXPECT_THAT(small(unknown).encode("lzzo"), ElementsAre(0, 2, 2, 1));
  EXPECT_THAT(small(with(unknown, R"("unk_token")", R"("fuse_unk": true, "unk_token")")).encode("lzzo"),
              ElementsAre(0, 2, 1));
}

TEST(Tokenizer, AddedTokensAreCutOutAndSpecialOnesAreSkippedOnTheWayBack) {
  const Tokenizer tokenizer = small();
  EXPECT_THAT(tokenizer.encode("lo<end>w"), ElementsAre(10, 20, 2));
  EXPECT_EQ(tokenizer.decode(Ids{10, 20, 2}), "low");
  EXPECT_EQ(tokenizer.decode(Ids{10, 20, 2}, SpecialTokens::kKeep), "lo<end>w");
  EXPECT_THAT(tokenizer.encode("lo  ~pad~ \u00a0w"), ElementsAre(10, 21, 2));
  EXPECT_TRUE(tokenizer.is_special(20));
  EXPECT_FALSE(tokenizer.is_special(21));
}

TEST(Tokenizer, APrefixSpaceIsAddedWhereNoneIs) {
  const Tokenizer tokenizer = small(small_file(R"({"type": "ByteLevel", "add_prefix_space": true})"));
  EXPECT_THAT(tokenizer.encode("low"), ElementsAre(12));
  EXPECT_THAT(tokenizer.encode(" low"), ElementsAre(12));
}

TEST(Tokenizer, DigitsAndSplitsComeBeforeTheBytes) {
  const auto sequence = [](const std::string& step) {
    return small_file(R"({"type": "Sequence", "pretokenizers": [)" + step +
                      R"(, {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})");
  };
  EXPECT_THAT(small(sequence(R"({"type": "Digits", "individual_digits": true})")).encode("lo12w"),
              ElementsAre(10, 6, 7, 2));
  const std::string split = R"({"type": "Split", "pattern": {"String": "o"}, "behavior": )";
  EXPECT_THAT(small(sequence(split + R"("Isolated"})")).encode("low"), ElementsAre(0, 1, 2));
  EXPECT_THAT(small(sequence(split + R"("Removed"})")).encode("low"), ElementsAre(0, 2));
  EXPECT_THAT(small(sequence(split + R"("Removed", "invert": true})")).encode("low"), ElementsAre(1));
}

TEST(Tokenizer, KnowsTokensByNameAndNumber) {
  const Tokenizer tokenizer = small();
  EXPECT_EQ(tokenizer.id_of("Ġlow"), 12U);
  EXPECT_EQ(tokenizer.id_of("high"), std::nullopt);
  EXPECT_EQ(tokenizer.token_of(12), "Ġlow");
  EXPECT_EQ(tokenizer.bytes_of(12), " low");
  EXPECT_EQ(tokenizer.token_of(19), std::nullopt);
  EXPECT_EQ(tokenizer.size(), 19U);
  EXPECT_EQ(tokenizer.greatest_id(), 21U);
  EXPECT_THAT(tokenizer.prefix(), ElementsAre(20));
  EXPECT_THAT(tokenizer.suffix(), IsEmpty());
}

TEST(Tokenizer, AMillionLettersAreNotQuadratic) {
  const auto start = std::chrono::steady_clock::now();
  std::string text;
  for (int i = 0; i < 333'333; ++i) text += "low";
  EXPECT_EQ(small().encode(text).size(), 333'333U);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST(Tokenizer, RefusesTextThatIsNotUtf8) {
  EXPECT_THAT(error_of([] { small().encode("lo\xff"); }).message(), HasSubstr("not UTF-8 at byte 2"));
}

TEST(TokenizerFile, WhatIsNotDoneIsRefusedByName) {
  EXPECT_THAT(refusal(with(small_file(), "\"added_tokens\"", R"("normalizer": {"type": "NFC"}, "added_tokens")")),
              HasSubstr("normalizer 'NFC'"));
  EXPECT_THAT(refusal(small_file(R"({"type": "Metaspace"})")), HasSubstr("pre_tokenizer 'Metaspace'"));
  EXPECT_THAT(refusal(small_file("null")), HasSubstr("no ByteLevel"));
  EXPECT_THAT(refusal(small_file(R"({"type": "ByteLevel"})", R"(, "dropout": 0.1)")), HasSubstr("dropout"));
  EXPECT_THAT(refusal(small_file(R"({"type": "ByteLevel"})", R"(, "byte_fallback": true)")),
              HasSubstr("byte_fallback"));
  EXPECT_THAT(refusal(with(small_file(), R"("type": "BPE")", R"("type": "Unigram")")), HasSubstr("'Unigram'"));
  EXPECT_THAT(refusal(with(small_file(), R"("special": true)", R"("single_word": true)")), HasSubstr("single_word"));
  EXPECT_THAT(refusal(with(small_file(), R"("decoder": {"type": "ByteLevel"})", R"("decoder": {"type": "Fuse"})")),
              HasSubstr("decoder 'Fuse'"));
}

TEST(TokenizerFile, WhatLiesIsRefused) {
  EXPECT_THAT(refusal("[]"), HasSubstr("holds no object"));
  EXPECT_THAT(refusal("{\"model\": "), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal("{\"a\": \"\xff\"}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal(R"({"model": 3})"), HasSubstr("no object 'model'"));
  EXPECT_THAT(refusal(with(small_file(), "\"o\": 1", "\"o\": 0")), HasSubstr("the same number 0"));
  EXPECT_THAT(refusal(with(small_file(), "\"o\": 1", "\"o\": 4000000000")), HasSubstr("no number from 0"));
  EXPECT_THAT(refusal(with(small_file(), "\"o\": 1", "\"o\": -1")), HasSubstr("no number from 0"));
  EXPECT_THAT(refusal(with(small_file(), "\"o\": 1", "\"o\": \"x\"")), HasSubstr("no number from 0"));
  EXPECT_THAT(refusal(with(small_file(), "\"l o\"", "\"l q\"")), HasSubstr("'q' is not in the vocabulary"));
  EXPECT_THAT(refusal(with(small_file(), "\"l o\"", "\"o l\"")), HasSubstr("'ol' is not in the vocabulary"));
  EXPECT_THAT(refusal(with(small_file(), "\"l o\"", "7")), HasSubstr("merge 0 is not a pair"));
  EXPECT_THAT(refusal(with(small_file(), "\"l o\"", "\"lo\"")), HasSubstr("merge 0 is not two tokens"));
  EXPECT_THAT(refusal(with(small_file(), "\"<end>\", \"special\"", "\"low\", \"special\"")),
              HasSubstr("two numbers, 11 and 20"));
  EXPECT_THAT(refusal(with(small_file(), "\"ids\": [20]", "\"ids\": [99]")), HasSubstr("template's token"));
  const std::string broken = R"({"type": "Sequence", "pretokenizers": [
      {"type": "Split", "pattern": {"Regex": "(("}, "behavior": "Isolated"}, {"type": "ByteLevel"}]})";
  EXPECT_THAT(refusal(small_file(broken)), HasSubstr("not understood"));
}

TEST(TokenizerFile, DeepNestingIsRefusedWithoutHarm) {
  refusal(R"({"pre_tokenizer": )" + std::string(200'000, '[') + std::string(200'000, ']') + "}");
}

TEST(TokenizerOnRealModels, WhispersTokensAreTheReferences) {
  const char* models = std::getenv("VETQUANT_REAL_MODELS");
  if (!models) GTEST_SKIP() << "VETQUANT_REAL_MODELS is not set";
  const Tokenizer tokenizer = Tokenizer::load(std::string(models) + "/whisper_tiny_en/tokenizer.json");
  // tokenizers 0.23.3
  EXPECT_THAT(tokenizer.encode(" And so my fellow Americans"), ElementsAre(843, 523, 616, 5891, 3399));
  EXPECT_THAT(tokenizer.prefix(), ElementsAre(50257, 50362));
  EXPECT_THAT(tokenizer.suffix(), ElementsAre(50256));
}

}  // namespace
}  // namespace vetquant
