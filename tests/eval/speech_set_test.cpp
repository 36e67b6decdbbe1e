#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "eval/speech_support.h"
#include "vetquant/core/error.h"
#include "vetquant/eval/speech.h"

namespace vetquant {
namespace {

using namespace test;  // NOLINT: the fixture's names
using ::testing::HasSubstr;

TEST(SpeechSet, ErrorsSayWhere) {
  const Speech speech;
  const auto with = [&](const std::string& items, const std::string& keys = "") {
    return message_of([&] { load_test_set(speech.set(items, keys)); });
  };
  const std::string good = "file,text\na.wav,gad\n";
  EXPECT_THAT(with("file,words\na.wav,gad\n"), HasSubstr("items.csv:1: lacks the column 'text'"));
  EXPECT_THAT(with("file,text\n"), HasSubstr("items.csv: has no items"));
  EXPECT_THAT(with("file,text\na.wav,?!\n"), HasSubstr("items.csv:2: says no word"));
  EXPECT_THAT(with("file,frames,text\na.wav,-3,gad\n"), HasSubstr("items.csv:2: '-3' is not a number of samples"));
  EXPECT_THAT(with(good, "normalisation: basic-9\n"), HasSubstr("set.yaml:4:16: "));
  EXPECT_THAT(with(good, "mode: sing\n"), HasSubstr("set.yaml:4:7: 'mode' is transcribe or translate"));
  EXPECT_THAT(with(good, "terms: []\n"), HasSubstr("set.yaml:4:8: names no term"));
  EXPECT_THAT(with(good, "terms: nowhere.txt\n"), HasSubstr("nowhere.txt"));
  EXPECT_THAT(with(good, "window: 3\n"), HasSubstr("window"));
}

TEST(SpeechSet, SoundThatDoesNotFitNamesItsLine) {
  const Speech speech;
  const auto path = speech.whisper("a");
  EXPECT_THAT(message_of([&] { speech.judged({path}, "file,text\nb.wav,gad\n"); }),
              HasSubstr("items.csv:2: there is no sound file 'b.wav'"));
  test::write_sound(speech.folder.path() / "b.wav", std::vector<float>(8000, 0.1F), 8000, 1);
  EXPECT_EQ(message_of([&] { speech.judged({path}, "file,text\nb.wav,gad\n"); }),
            "items.csv:2: 'b.wav' has a sample rate of 8000 Hz; the baseline hears 16000 Hz");
  test::write_sound(speech.folder.path() / "b.wav", std::vector<float>(8000, 0.1F), 16000, 2);
  EXPECT_THAT(message_of([&] { speech.judged({path}, "file,text\nb.wav,gad\n"); }),
              HasSubstr("items.csv:2: 'b.wav' has 2 channels"));
}

TEST(SpeechSet, AClipBeyondItsFileIsAnError) {
  const Speech speech;
  const auto path = speech.whisper("a");
  EXPECT_EQ(message_of([&] { speech.judged({path}, "file,start_frame,frames,text\na.wav,7000,2000,gad\n"); }),
            "items.csv:2: the clip asks for frames 7000 to 9000 of 'a.wav', which has 8000");
}

TEST(SpeechMetrics, NothingWrongGivesNoIntervalOfWidthNought) {
  TestSet set;
  auto speech = std::make_shared<SpeechSet>();
  SpeechAnswers own;
  for (int i = 0; i < 40; ++i) {
    speech->clips.push_back({"", "", 0, 0, "one two three"});
    own.clips.push_back(heard(*speech, speech->clips[0], "One, two, three."));
  }
  set.task = TaskKind::kSpeech;
  set.unit = "clip";
  set.speech = speech;
  const auto metrics = speech_metrics(set, own, &own, {});
  EXPECT_EQ(metrics[0].key, "word_accuracy");
  EXPECT_EQ(metrics[0].value.value, 100);
  EXPECT_LT(metrics[0].value.at(95)->low, 95);
  EXPECT_EQ(metrics[0].value.at(95)->high, 100);
  EXPECT_GT(metrics[1].value.at(95)->high, 5);
  EXPECT_LT(metrics[1].difference->at(95)->low, -1);
  EXPECT_GT(metrics[1].difference->at(95)->high, 1);
}

TEST(SpeechMetrics, FewClipsAreNoEvidence) {
  TestSet set;
  auto speech = std::make_shared<SpeechSet>();
  speech->terms.emplace(std::vector<std::string>{"two"}, TextNormalisation::kBasic1);
  SpeechAnswers own;
  for (int i = 0; i < 40; ++i) {
    speech->clips.push_back({"", "", 0, 0, i < 3 ? "one two three" : "one three"});
    own.clips.push_back(heard(*speech, speech->clips[static_cast<size_t>(i)], "one two three"));
  }
  set.task = TaskKind::kSpeech;
  set.unit = "clip";
  set.speech = speech;
  const auto find = [](const std::vector<Metric>& metrics, const std::string& key) {
    return std::find_if(metrics.begin(), metrics.end(), [&](const Metric& metric) { return metric.key == key; })->value;
  };
  // Three clips have the term: 3 of 3 heard, whose exact lower bound is 29.2 %.
  EXPECT_NEAR(find(speech_metrics(set, own, nullptr, {}), "term_recall").at(95)->low, 29.24, 0.01);
  own.clips.resize(1);
  own.clips[0] = heard(*speech, speech->clips[0], "one two");
  const Estimate wer = find(speech_metrics(set, own, nullptr, {}), "wer");
  EXPECT_NEAR(wer.value, 100.0 / 3, 1e-9);
  EXPECT_TRUE(wer.intervals.empty());
  EXPECT_EQ(wer.method, "too few clips for an interval");
}

}  // namespace
}  // namespace vetquant
