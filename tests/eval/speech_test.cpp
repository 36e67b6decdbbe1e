#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <numbers>

#include "eval/speech_support.h"
#include "log_mel.h"
#include "speech_model.h"
#include "vetquant/core/error.h"

namespace vetquant {
namespace {

using namespace test;  // NOLINT: the fixture's names
using ::testing::HasSubstr;

// Figures of transformers 4.57.6's WhisperFeatureExtractor, computed by numpy in double (its torch path is float).
TEST(LogMel, EqualsTheReference) {
  std::vector<float> sound;
  for (int n = 0; n < 32000; ++n) {
    const double t = n;
    sound.push_back(static_cast<float>(0.4 * std::sin(2 * std::numbers::pi * (200 + 900 * t / 32000) * t / 16000) +
                                       0.01 * std::cos(2 * std::numbers::pi * 3100 * t / 16000)));
  }
  sound[5000] = 0.9F;
  const std::vector<float> made = LogMel({}).features(sound);
  ASSERT_EQ(made.size(), 80U * 3000);
  const auto at = [&](size_t mel, size_t frame) { return made[mel * 3000 + frame]; };
  EXPECT_NEAR(at(0, 0), 1.1211973, 2e-6);
  EXPECT_NEAR(at(5, 3), 1.3670487, 2e-6);
  EXPECT_NEAR(at(12, 31), 1.3970892, 2e-6);
  EXPECT_NEAR(at(20, 100), -0.1852553, 2e-6);
  EXPECT_NEAR(at(40, 150), 0.2296961, 2e-6);
  EXPECT_NEAR(at(60, 32), 0.3110517, 2e-6);
  EXPECT_NEAR(at(79, 199), -0.4647293, 2e-6);
  EXPECT_NEAR(at(79, 2999), -0.5964251, 2e-6);
  EXPECT_NEAR(at(33, 200), 0.5775461, 2e-6);
}

TEST(Windows, LongSoundIsCutWhereItIsQuietest) {
  std::vector<float> sound(2500, 1.0F);
  for (size_t i = 900; i < 950; ++i) sound[i] = 0;
  const auto windows = windows_of(sound, 1000, 500);
  ASSERT_EQ(windows.size(), 3U);
  EXPECT_NEAR(static_cast<double>(windows[0].size()), 925, 26);
  EXPECT_EQ(windows[0].size() + windows[1].size() + windows[2].size(), sound.size());
  EXPECT_EQ(windows_of(std::span(sound).first(1000), 1000, 500).size(), 1U);
}

TEST(Speech, CachesAreFedBackAndTimestampsAreNoText) {
  const Speech speech;
  const Judgement judgement = speech.judged({speech.whisper("a")});
  ASSERT_EQ(judgement.models[0].failure, "");
  EXPECT_EQ(judgement.task, "speech");
  EXPECT_EQ(judgement.unit, "clip");
  EXPECT_EQ(judgement.models[0].name, "a");
  EXPECT_EQ(value(judgement.models[0], "wer"), 0);
  EXPECT_EQ(value(judgement.models[0], "word_accuracy"), 100);
  EXPECT_EQ(value(judgement.models[0], "cer"), 0);
}

TEST(Speech, AMergedDecoderIsToldWhichBranch) {
  const Speech speech;
  const auto path = speech.whisper("a");
  for (const char* name : {"decoder_model.onnx", "decoder_with_past_model.onnx"}) std::filesystem::remove(path / name);
  speech.folder.write("a/decoder_model_merged.onnx", merged_decoder(kAdThenEnd));
  const Judgement judgement = speech.judged({path});
  EXPECT_EQ(judgement.models[0].failure, "");
  EXPECT_EQ(value(judgement.models[0], "wer"), 0);
}

TEST(Speech, AVariantIsNoHalfOfAnotherModel) {
  const Speech speech;
  const auto path = speech.whisper("a");
  speech.folder.write("a/decoder_model_merged_q4.onnx", merged_decoder({kD, kD, kD, kD, kD}));
  EXPECT_EQ(value(speech.judged({path}).models[0], "wer"), 0);
}

TEST(Speech, SeveralModelsAtOnceHearTheSame) {
  const Speech speech;
  JudgeOptions options = speech.options({speech.whisper("a"), speech.whisper("b"), speech.whisper("c", kD)});
  options.models_at_once = 3;
  const Judgement judgement = judge(load_test_set(speech.set("file,text\na.wav,gad\n")), options);
  EXPECT_EQ(value(judgement.models[1], "same_text"), 100);
  EXPECT_EQ(value(judgement.models[2], "same_text"), 0);
}

TEST(Speech, ADecoderWithoutTheCachesThatItWantsFails) {
  const Speech speech;
  const auto base = speech.whisper("float"), other = speech.whisper("other");
  speech.folder.write("other/decoder_model.onnx", decoder(kG, false));
  const Judgement judgement = speech.judged({base, other});
  EXPECT_THAT(judgement.models[1].failure,
              HasSubstr("the decoder has no output 'present.0.decoder.key' for its cache"));
  speech.folder.write("other/decoder_model.onnx", decoder_with_past(kAdThenEnd));
  EXPECT_THAT(speech.judged({base, other}).models[1].failure, HasSubstr("has no input 'use_cache_branch'"));
}

TEST(Speech, ADecoderWithoutCachesReadsAllTokensAtEachStep) {
  const Speech speech;
  const auto path = speech.whisper("a");
  speech.folder.write("a/decoder_model.onnx", decoder(kG, false));
  std::filesystem::remove(path / "decoder_with_past_model.onnx");
  EXPECT_EQ(value(speech.judged({path}).models[0], "wer"), 0);
}

TEST(Speech, AnotherModelIsComparedWordByWord) {
  const Speech speech;
  const std::string items = "file,start_frame,frames,text\na.wav,0,4000,gad\na.wav,4000,,Gad!\n";
  const Judgement judgement =
      speech.judged({speech.whisper("float"), speech.whisper("small", kD)}, items, "terms: [gad, dog]\n");
  const ModelResult& small = judgement.models[1];
  EXPECT_EQ(value(judgement.models[0], "term_recall"), 100);
  EXPECT_EQ(value(small, "wer"), 100);
  EXPECT_EQ(value(small, "substitutions"), 100);
  EXPECT_EQ(value(small, "deletions"), 0);
  EXPECT_NEAR(value(small, "cer"), 100.0 / 3, 1e-9);
  EXPECT_EQ(value(small, "same_text"), 0);
  EXPECT_EQ(value(small, "term_recall"), 0);
  EXPECT_EQ(find_metric(small, "wer")->difference->value, 100);
  EXPECT_EQ(find_metric(small, "word_accuracy")->ratio->value, 0);
  ASSERT_EQ(small.examples.size(), 2U);
  EXPECT_EQ(small.examples[0], (ErrorExample{"items.csv:2", "gad", "gad", "dad", {"gad"}}));
}

TEST(Speech, SoundLongerThanTheWindowIsHeardInParts) {
  const Speech speech;
  const auto set = speech.set("file,text\na.wav,gad gad gad\n");
  test::write_sound(speech.folder.path() / "a.wav", std::vector<float>(40000, 0.1F), 16000, 1);
  const Judgement judgement = judge(load_test_set(set), speech.options({speech.whisper("a")}));
  EXPECT_EQ(value(judgement.models[0], "wer"), 0);
}

TEST(Speech, SettingsSuppressTokensAndEndSooner) {
  const Speech speech;
  const auto path = speech.whisper("a");
  speech.folder.write("a/generation_config.json", R"({"begin_suppress_tokens": [0], "suppress_tokens": [2]})");
  // First: not "g" and so the first of those that are equal, "a"; later "d" is replaced by "g".
  EXPECT_EQ(value(speech.judged({path}, "file,text\na.wav,aag\n").models[0], "wer"), 0);
  speech.folder.write("a/generation_config.json", "{}");
  EXPECT_EQ(value(speech.judged({path}, "file,text\na.wav,ga\n", "max_tokens: 2\n").models[0], "wer"), 0);
}

TEST(Speech, WithTimestampsTheModelIsNotAskedToLeaveThemOut) {
  const Speech speech;
  const auto path = speech.whisper("a");
  // The first of its three tokens is a time.
  const std::string keys = "timestamps: true\nmax_tokens: 3\n";
  EXPECT_EQ(value(speech.judged({path}, "file,text\na.wav,ga\n", keys).models[0], "wer"), 0);
  std::string no_times = kWhisperTokens;
  no_times.replace(no_times.find("<|0.00|>"), 8, "<|nought|>");
  no_times.replace(no_times.find("<|notimestamps|>"), 16, "<|whatever|>");
  speech.folder.write("a/tokenizer.json", no_times);
  const Error error = error_of([&] { speech.judged({path}, "file,text\na.wav,gad\n", "timestamps: true\n"); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_EQ(error.what(), path.string() +
                              ": its tokenizer has no timestamps (neither <|0.00|> nor <|notimestamps|>); leave "
                              "`timestamps` out of the test set");
}

TEST(Speech, AQuantizedFolderTakesTheBaselinesSettings) {
  const Speech speech;
  const auto base = speech.whisper("float"), small = speech.whisper("small");
  for (const char* name : {"tokenizer.json", "preprocessor_config.json"}) std::filesystem::remove(small / name);
  EXPECT_EQ(value(speech.judged({base, small}).models[1], "same_text"), 100);
  EXPECT_EQ(message_of([&] { speech.judged({small}); }),
            small.string() + ": has no tokenizer.json, and neither has the baseline");
}

TEST(Speech, MultilingualModelsAreToldTheLanguage) {
  const Speech speech;
  const auto path = speech.whisper("a");
  speech.folder.write("a/generation_config.json", R"({"is_multilingual": true})");
  EXPECT_THAT(message_of([&] { speech.judged({path}); }), HasSubstr("is multilingual; name the 'language'"));
  EXPECT_THAT(message_of([&] { speech.judged({path}, "file,text\na.wav,gad\n", "language: xx\n"); }),
              HasSubstr("its tokenizer has no token '<|xx|>'"));
  EXPECT_THAT(message_of([&] { speech.judged({path}, "file,text\na.wav,gad\n", "language: en\nmode: translate\n"); }),
              HasSubstr("its tokenizer has no token '<|translate|>'"));
  // Two tokens more in the prompt: the cache is longer, and its rows say "end" at once.
  EXPECT_EQ(value(speech.judged({path}, "file,text\na.wav,g\n", "language: en\n").models[0], "wer"), 0);
}

TEST(Speech, TimedRoundsGiveThePace) {
  const Speech speech;
  JudgeOptions options = speech.options({speech.whisper("a"), speech.whisper("b")});
  options.timed_rounds = 3;
  const Judgement judgement = judge(load_test_set(speech.set("file,text\na.wav,gad\n")), options);
  for (const char* key : {"latency_ms", "real_time_factor", "first_token_ms", "token_ms"}) {
    EXPECT_GT(value(judgement.models[0], key), 0) << key;
    EXPECT_TRUE(find_metric(judgement.models[1], key)->ratio) << key;
  }
}

TEST(Speech, CtcIsCollapsedAndBlanksAreLeftOut) {
  const Speech speech;
  TestModel model;
  auto graph = model.main();
  graph.input("input_values", test::kFloat, {1, -1}).output("logits", test::kFloat, {1, -1, 4});
  graph.floats("table", {4, 4}, std::vector<float>{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1});
  set_int(graph.node("Cast", {"input_values"}, {"symbols"}, "cast"), "to", 7);
  graph.node("Gather", {"table", "symbols"}, {"logits"}, "lookup");
  const auto path = speech.folder.write("ctc.onnx", model);
  const auto set = speech.set("file,text\na.wav,hhi hi\n");
  test::write_sound(speech.folder.path() / "a.wav", {1, 1, 0, 1, 2, 3, 1, 2, 2}, 16000, 1);
  const auto run = [&] { return judge(load_test_set(set), speech.options({path})); };
  EXPECT_THAT(message_of(run), HasSubstr("ctc.onnx: has no vocab.json beside it"));
  speech.folder.write("vocab.json", R"({"<pad>": 0, "h": 1, "i": 2, "|": 3})");
  speech.folder.write("preprocessor_config.json", R"({"do_normalize": false})");
  EXPECT_EQ(value(run().models[0], "wer"), 0);
  speech.folder.write("vocab.json", R"({"<pad>": 0, "h": 1, "i": -2})");
  EXPECT_THAT(message_of(run), HasSubstr("the number of 'i' is none below"));
}

TEST(Speech, AFolderThatLacksAPartIsSaidToLackIt) {
  const Speech speech;
  const auto path = speech.whisper("a");
  speech.folder.write("a/encoder_model_q8.onnx", encoder());
  EXPECT_EQ(value(speech.judged({path}).models[0], "wer"), 0);  // the plain name goes first
  std::filesystem::rename(path / "encoder_model.onnx", path / "encoder_model_q4.onnx");
  EXPECT_THAT(message_of([&] { speech.judged({path}); }), HasSubstr("a: holds more than one encoder_model*.onnx"));
  std::filesystem::remove(path / "encoder_model_q4.onnx");
  EXPECT_EQ(value(speech.judged({path}).models[0], "wer"), 0);
  std::filesystem::remove(path / "decoder_model.onnx");
  EXPECT_THAT(message_of([&] { speech.judged({path}); }),
              HasSubstr("holds no decoder_model_merged.onnx and no decoder_model.onnx"));
  EXPECT_THAT(message_of([&] { speech.judged({speech.sub("empty")}); }), HasSubstr("holds no encoder_model.onnx"));
}

TEST(Speech, SettingsThatAreWrongAreErrors) {
  const Speech speech;
  const auto path = speech.whisper("a");
  const auto with = [&](const std::string& file, const std::string& text) {
    speech.folder.write("a/" + file, text);
    const std::string error = message_of([&] { speech.judged({path}); });
    std::filesystem::remove(path / file);
    return error;
  };
  EXPECT_THAT(with("generation_config.json", "[1"), HasSubstr("generation_config.json: holds no JSON object"));
  EXPECT_THAT(with("generation_config.json", R"({"suppress_tokens": 5})"), HasSubstr("is no list of token numbers"));
  EXPECT_THAT(with("config.json", R"({"eos_token_id": -1})"), HasSubstr("'eos_token_id' must be a whole number"));
  EXPECT_THAT(with("preprocessor_config.json", R"({"n_fft": 402})"), HasSubstr("must be a multiple of 4"));
  EXPECT_THAT(with("preprocessor_config.json", R"({"nb_max_frames": 1})"), HasSubstr("is less than 'n_fft'"));
}

TEST(Speech, AnInputThatNobodyFeedsIsTheModelsFailure) {
  const Speech speech;
  const auto base = speech.whisper("float"), other = speech.whisper("other");
  TestModel odd = decoder(kG);
  odd.main().input("mood", test::kFloat, {1});
  speech.folder.write("other/decoder_model.onnx", odd);
  const Judgement judgement = speech.judged({base, other});
  EXPECT_EQ(judgement.models[0].failure, "");
  EXPECT_THAT(judgement.models[1].failure, HasSubstr("the decoder wants an input 'mood'"));
}

TEST(Speech, AnswersOfAWrongShapeAreTheModelsFailure) {
  const Speech speech;
  const auto base = speech.whisper("float"), other = speech.whisper("other");
  TestModel flat = decoder(kG);
  flat.main().proto().mutable_node(0)->set_output(0, "rows");
  flat.main().int64s("two_axes", {2}, {-1, kVocabulary});
  flat.main().node("Reshape", {"rows", "two_axes"}, {"logits"}, "flatten");
  flat.main().proto().mutable_output(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  speech.folder.write("other/decoder_model.onnx", flat);
  EXPECT_THAT(speech.judged({base, other}).models[1].failure, HasSubstr("the decoder gives logits fp32[2, 10]"));
}

TEST(Speech, ACacheThatIsTooLargeIsNotMade) {
  const Speech speech;
  const auto base = speech.whisper("float"), other = speech.whisper("other");
  TestModel huge = decoder(kG);
  huge.main().input("past_key_values.0.decoder.key", test::kFloat, {1, int64_t{1} << 40, 64, 1});
  huge.main().input("past_key_values.0.encoder.key", test::kFloat, {1, 1, 1, 1});
  huge.main().input("use_cache_branch", onnx::TensorProto::BOOL, {1});
  speech.folder.write("other/decoder_model.onnx", huge);
  const Judgement judgement = speech.judged({base, other});
  EXPECT_EQ(judgement.models[0].failure, "");
  EXPECT_THAT(judgement.models[1].failure, HasSubstr("the decoder wants a cache of"));
}

TEST(Speech, CtcAnswersOfSeveralClipsAreRefused) {
  const Speech speech;
  TestModel model;
  auto graph = model.main();
  graph.input("input_values", test::kFloat, {1, -1}).output("logits", test::kFloat, {-1, -1, 1});
  graph.int64s("columns", {3}, {-1, 1, 1});
  graph.node("Reshape", {"input_values", "columns"}, {"logits"}, "reshape");
  const auto path = speech.folder.write("ctc.onnx", model);
  speech.folder.write("vocab.json", R"({"<pad>": 0})");
  EXPECT_THAT(speech.judged({path}).models[0].failure, HasSubstr("the model gives logits fp32[8000, 1, 1]"));
}

// The exporter's own Whisper tiny.en, merged decoder: what transformers' greedy search hears in the same files.
TEST(SpeechOnRealModels, WhisperHearsWhatTransformersHears) {
  const char* root = std::getenv("VETQUANT_REAL_MODELS");
  if (root == nullptr) GTEST_SKIP() << "VETQUANT_REAL_MODELS is not set";
  const std::filesystem::path models = root;
  const Speech speech;
  const std::string data = (models / "data").string();
  const std::string items =
      "file,text\n" + data +
      "/jfk.wav,\"And so my fellow Americans ask not what your country can do for you, ask what you can do for your "
      "country.\"\n" +
      data +
      "/enh.wav,\"If the red of the second bow falls upon the green of the first, the result is to give a bow with an "
      "abnormally wide yellow band, since red and green light when mixed from yellow.\"\n";
  const Judgement judgement = speech.judged({models / "whisper_tiny_en"}, items, "normalisation: none\n");
  ASSERT_EQ(judgement.models[0].failure, "");
  EXPECT_EQ(value(judgement.models[0], "wer"), 0);
  EXPECT_EQ(value(judgement.models[0], "cer"), 0);
}

}  // namespace
}  // namespace vetquant
