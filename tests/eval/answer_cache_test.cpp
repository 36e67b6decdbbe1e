#include "vetquant/eval/answer_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "eval/language_support.h"
#include "eval/npz_support.h"
#include "eval/speech_support.h"
#include "kept_answers.h"
#include "stored_answers.h"
#include "vetquant/core/error.h"
#include "vetquant/core/hash.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;
using namespace test;  // NOLINT: the fixtures' names
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ByteWriter text_answer(const std::string& text) {
  ByteWriter writer;
  writer.text(text);
  return writer;
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  return files;
}

class AnswerCacheTest : public ::testing::Test {
 protected:
  AnswerCacheTest() {
    cache_.folder = folder_.path() / "cache";
    cache_.pause = std::chrono::milliseconds(0);
    cache_.tell = [this](const std::string& line) { told_.push_back(line); };
    cache_.warn = [this](const std::string& line) { warned_.push_back(line); };
  }

  StoredAnswers stored(size_t samples = 4) const { return {cache_, "key", samples, "model"}; }

  // All that accuracy says; sizes, times and memory are measured anew.
  static std::string accuracy(const Judgement& judgement) {
    std::ostringstream text;
    text << judgement.steps << "\n";
    for (const ModelResult& model : judgement.models) {
      for (const Metric& metric : model.metrics) {
        if (metric.unit == "B" || metric.unit == "ms" || metric.key == "real_time_factor") continue;
        text << metric.key << metric.output << " " << metric.value.value;
        for (const auto& estimate : {std::optional(metric.value), metric.difference, metric.ratio}) {
          for (const auto& [confidence, interval] : estimate ? estimate->intervals : metric.value.intervals)
            text << " " << interval.low << " " << interval.high;
        }
        text << "\n";
      }
      for (const auto& row : model.confusion) {
        for (const uint64_t count : row) text << count << " ";
      }
      for (const ErrorExample& example : model.examples) text << example.item << " " << example.candidate << "\n";
    }
    return text.str();
  }

  JudgeOptions options(std::vector<fs::path> models) const {
    JudgeOptions options;
    options.models = std::move(models);
    options.runtime_library = find_runtime_library();
    options.worker = worker_program();
    options.timed_rounds = 0;
    options.statistics.resamples = 200;
    options.count_operators = CountOperators::kNo;
    options.cache = cache_;
    return options;
  }

  // Ends the run when so many samples are judged.
  void judge_until(size_t done, const TestSet& set, JudgeOptions options) {
    options.progress = [done](const Progress& progress) {
      if (progress.stage == "judge" && progress.done == done) throw Error(ErrorCode::kInternal, "killed");
    };
    EXPECT_EQ(error_of([&] { judge(set, options); }).code(), ErrorCode::kInternal);
  }

  // The run after which the cache is full says the same as one without a cache; so does one that was killed and went on.
  void expect_equal_results(const fs::path& path, const JudgeOptions& with, size_t samples) {
    const TestSet set = load_test_set(path);
    JudgeOptions without = with;
    without.cache.reset();
    const std::string fresh = accuracy(judge(set, without));
    judge_until(2, set, with);
    for (const size_t known : {size_t{2}, samples}) {
      told_.clear();
      EXPECT_EQ(accuracy(judge(set, with)), fresh);
      const std::string words = std::to_string(known) + " of " + std::to_string(samples) + " answers are known";
      EXPECT_THAT(told_, Contains(HasSubstr(words)));
    }
    EXPECT_THAT(warned_, IsEmpty());
  }

  // Six arrays of three classes, of which the first model knows five.
  fs::path classes(const std::string& keys = "") const {
    folder_.write(
        "d.npz",
        npz({{"x", npy<float>("<f4", "6, 4", {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0})},
             {"t", npy<int64_t>("<i8", "6,", {0, 1, 2, 1, 0, 1})}}));
    return folder_.write("set.yaml",
                         "version: 1\ntask: classification\ninputs: {x: 'd.npz#x'}\ntruth: 'd.npz#t'\nscores: y\n"
                         "labels: [a, b, c]\n" +
                             keys);
  }
  std::vector<fs::path> classifiers() const {
    return {folder_.write("base.onnx", linear_model(plain_weights())),
            folder_.write("other.onnx", linear_model(std::vector<float>{1, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1}))};
  }

  TempFolder folder_;
  AnswerCache cache_;
  std::vector<std::string> told_, warned_;
};

TEST_F(AnswerCacheTest, ReadsBackWhatWasAdded) {
  StoredAnswers first = stored();
  EXPECT_EQ(first.known(), 0U);
  first.add(text_answer("a"));
  first.add(text_answer(std::string("b\0c", 3)));
  const StoredAnswers again = stored();
  ASSERT_EQ(again.known(), 2U);
  EXPECT_EQ(again.at(1).text(), std::string("b\0c", 3));
  EXPECT_THAT(told_, ElementsAre(HasSubstr("nothing is known yet"), HasSubstr("model: 2 of 4 answers are known")));
}

TEST_F(AnswerCacheTest, AnotherQuestionsAnswersAreNotTaken) {
  stored().add(text_answer("a"));
  EXPECT_EQ(StoredAnswers(cache_, "other", 4, "").known(), 0U);
  EXPECT_EQ(stored(5).known(), 0U);
  fs::rename(cache_.folder / "key.answers", cache_.folder / "other.answers");
  EXPECT_EQ(StoredAnswers(cache_, "other", 4, "").known(), 0U);
}

TEST_F(AnswerCacheTest, AFileThatIsDamagedAnywhereIsNotUsed) {
  StoredAnswers answers = stored();
  for (const char* text : {"one", "two", "three"}) answers.add(text_answer(text));
  const fs::path path = cache_.folder / "key.answers";
  const std::string whole = read_text(path);
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    std::ofstream(path, std::ios::binary) << whole.substr(0, bytes);
    EXPECT_EQ(stored().known(), 0U) << "cut at " << bytes;
    std::string flipped = whole;
    flipped[bytes] ^= 0x10;
    std::ofstream(path, std::ios::binary) << flipped;
    EXPECT_EQ(stored().known(), 0U) << "flipped at " << bytes;
  }
  EXPECT_THAT(told_, Contains(HasSubstr("is damaged, it is not used")));
  std::ofstream(path, std::ios::binary) << whole;
  EXPECT_EQ(stored().known(), 3U);
}

// Whoever writes a right digest may still write nonsense before it.
TEST_F(AnswerCacheTest, AForgedFileIsReadWithinItsBounds) {
  StoredAnswers answers = stored();
  for (const char* text : {"one", "two", "three"}) answers.add(text_answer(text));
  const fs::path path = cache_.folder / "key.answers";
  const std::string whole = read_text(path);
  const std::string body = whole.substr(0, whole.size() - 32);
  const auto forge = [&](const std::string& text) {
    std::ofstream(path, std::ios::binary) << text << digest_of(text);
    const StoredAnswers forged = stored();
    for (size_t i = 0; i < forged.known(); ++i) {
      try {
        forged.at(i).text();
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kIo);
      }
    }
  };
  for (size_t at = 0; at < body.size(); ++at) {
    forge(body.substr(0, at));
    for (const char byte : {'\x00', '\x7f', '\x80', '\xff'}) {
      std::string changed = body;
      changed[at] = byte;
      forge(changed);
    }
  }
  forge(body + "more");
  EXPECT_EQ(stored().known(), 0U);
}

TEST_F(AnswerCacheTest, AnAnswerThatTheSetCannotHaveIsNone) {
  const TestSet set = load_test_set(classes());
  const auto read = [&](uint64_t best, uint64_t in_top_k, double confidence) {
    ByteWriter writer;
    writer.number(best);
    writer.number(in_top_k);
    writer.real(confidence);
    ByteReader reader(writer.body(), ErrorCode::kIo, "short");
    return read_answer(reader, set).best;
  };
  EXPECT_EQ(read(2, 1, 0.5), 2U);
  EXPECT_EQ(read(kNoClass, 0, 0), kNoClass);
  for (const auto& bad : {std::function([&] { read(3, 1, 0.5); }), std::function([&] { read(1, 2, 0.5); }),
                          std::function([&] { read(1, 1, std::nan("")); }), std::function([&] { read(~0ULL, 1, 1); })})
    EXPECT_EQ(error_of(bad).code(), ErrorCode::kIo);
}

TEST_F(AnswerCacheTest, AFolderThatCannotBeWrittenIsToldOnce) {
  cache_.folder = folder_.write("file", "no folder") / "cache";
  StoredAnswers first = stored(), second = stored();
  first.add(text_answer("a"));
  second.add(text_answer("b"));
  EXPECT_THAT(warned_, ElementsAre(HasSubstr("answers cannot be kept for the next run")));
  EXPECT_EQ(judge(load_test_set(classes()), options(classifiers())).models[0].failure, "");
}

TEST_F(AnswerCacheTest, TheOldestGoWhereAllAreTooLarge) {
  cache_.pause = std::chrono::hours(1);
  for (const char* key : {"first", "second", "third"}) {
    StoredAnswers answers(cache_, key, 4, "");
    answers.add(text_answer(std::string(400, 'x')));
    cache_.most_bytes = 1200;  // two of them
    answers.save();
    if (key[0] == 'f')
      fs::last_write_time(cache_.folder / "first.answers", fs::file_time_type::clock::now() - std::chrono::hours(1));
  }
  EXPECT_FALSE(fs::exists(cache_.folder / "first.answers"));
  EXPECT_TRUE(fs::exists(cache_.folder / "second.answers"));
  EXPECT_TRUE(fs::exists(cache_.folder / "third.answers"));
}

TEST_F(AnswerCacheTest, ClassificationGoesOnWhereItWasKilled) {
  expect_equal_results(classes(), options(classifiers()), 6);
}

TEST_F(AnswerCacheTest, ResultsComeFromTheCacheAndNotFromTheModel) {
  const TestSet set = load_test_set(classes());
  const JudgeOptions once = options({classifiers()[0]});
  EXPECT_NEAR(value(judge(set, once).models[0], "top1"), 500.0 / 6, 1e-9);
  const std::string key = files_in(cache_.folder).at(0).stem().string();
  StoredAnswers forged(cache_, key, 6, "");
  ASSERT_EQ(forged.known(), 6U);
  forged.forget_from(0);
  for (const uint32_t best : {0U, 0U, 0U, 0U, 1U, 0U}) {
    ByteWriter writer;
    write(writer, Answer{best, true, 0.5});
    forged.add(writer);
  }
  EXPECT_NEAR(value(judge(set, once).models[0], "top1"), 100.0 / 6, 1e-9);
}

TEST_F(AnswerCacheTest, WhateverAnswersHangOnMakesThemNew) {
  const auto models = classifiers();
  const auto told_by = [&](const fs::path& set, const JudgeOptions& options) {
    told_.clear();
    judge(load_test_set(set), options);
    return told_.at(0);
  };
  told_by(classes(), options({models[0]}));
  EXPECT_THAT(told_by(classes(), options({models[0]})), HasSubstr("6 of 6"));
  EXPECT_THAT(told_by(classes(), options({models[1]})), HasSubstr("nothing is known"));
  EXPECT_THAT(told_by(classes("top_k: 2\n"), options({models[0]})), HasSubstr("nothing is known"));
  JudgeOptions other = options({models[0]});
  other.session.optimization = Optimization::kNone;
  EXPECT_THAT(told_by(classes(), other), HasSubstr("nothing is known"));
  folder_.write("base.onnx", linear_model(std::vector<float>(12, 0.5F)));
  EXPECT_THAT(told_by(classes(), options({models[0]})), HasSubstr("nothing is known"));
}

TEST_F(AnswerCacheTest, ACrashIsNoAnswer) {
  JudgeOptions crashing = options({classifiers()[0]});
  crashing.worker = worker_program("abort");
  EXPECT_NE(judge(load_test_set(classes()), crashing).models[0].failure, "");
  EXPECT_FALSE(fs::exists(cache_.folder));
}

class LanguageCacheTest : public AnswerCacheTest {
 protected:
  LanguageCacheTest() {
    folder_.write("tokenizer.json", kFourTokens);
    folder_.write("t.txt", "ab ab\nbab cab\nabc ab\ncab\nab bab\naab\n");
    folder_.write("gaps.csv", "text,choices,answer\na___,b|c,b\nba___,c|b,b\n");
    set_ = folder_.write("set.yaml",
                         "version: 1\ntask: language_model\ntokenizer: tokenizer.json\ntexts: t.txt\ncloze: gaps.csv\n"
                         "window: 4\nstride: 2\n");
  }
  fs::path model(const std::string& name, const std::vector<float>& table) const {
    return folder_.write(name, bigram_model(table));
  }
  fs::path set_;
};

TEST_F(LanguageCacheTest, GoesOnWhereItWasKilled) {
  const auto base = model("base.onnx", b_follows_a()), other = model("other.onnx", std::vector<float>(16, 0.0F));
  expect_equal_results(set_, options({base, other}), 8);
}

TEST_F(LanguageCacheTest, ANewVariantIsComparedWithAKnownBaseline) {
  const auto base = model("base.onnx", b_follows_a()), other = model("other.onnx", std::vector<float>(16, 0.0F));
  const TestSet set = load_test_set(set_);
  judge(set, options({base}));
  JudgeOptions without = options({base, other});
  without.cache.reset();
  EXPECT_EQ(accuracy(judge(set, options({base, other}))), accuracy(judge(set, without)));
  EXPECT_THAT(told_, Contains(HasSubstr("base.onnx: 8 of 8")));
}

TEST_F(LanguageCacheTest, AComparisonIsKeptForItsBaselineOnly) {
  const auto base = model("base.onnx", b_follows_a()), other = model("other.onnx", std::vector<float>(16, 0.0F));
  std::vector<float> third(16, 0);
  third[2] = 2;
  const TestSet set = load_test_set(set_);
  judge(set, options({base, other}));
  told_.clear();
  judge(set, options({model("third.onnx", third), other}));
  EXPECT_THAT(told_, ElementsAre(HasSubstr("nothing is known"), HasSubstr("nothing is known")));
}

TEST_F(AnswerCacheTest, SpeechGoesOnWhereItWasKilled) {
  const Speech speech;
  const auto set = speech.set("file,text\na.wav,gad\na.wav,dad\na.wav,gag\n");
  expect_equal_results(set, options({speech.whisper("a"), speech.whisper("b", kA)}), 3);
  told_.clear();
  speech.folder.write("a/config.json", R"({"max_target_positions": 9})");
  judge(load_test_set(set), options({speech.whisper("a")}));
  EXPECT_THAT(told_, ElementsAre(HasSubstr("nothing is known")));  // other settings, other words
}

}  // namespace
}  // namespace vetquant
