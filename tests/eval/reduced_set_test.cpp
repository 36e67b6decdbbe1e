#include "vetquant/eval/reduced_set.h"

#include <gtest/gtest.h>

#include "language_support.h"
#include "support/model_builder.h"
#include "vetquant/eval/language_model.h"
#include "vetquant/eval/speech.h"

namespace vetquant {
namespace {

// Ten samples whose value is their number, two of each class and cluster.
TestSet ten() {
  TestSet set;
  set.task = TaskKind::kClassification;
  set.name = "ten";
  set.samples = 10;
  std::vector<float> values;
  for (uint32_t i = 0; i < 10; ++i) {
    values.push_back(static_cast<float>(i));
    set.truth.push_back(i / 2);
    set.clusters.push_back(i / 2);
  }
  set.cluster_count = 5;
  set.inputs["x"] = make_array_source(make_floats({10, 1}, values), "x");
  return set;
}

float value_of(const TestSet& set, size_t sample) {
  const TensorInfo wanted{"x", DType::kFloat32, {1, 1}, {}};
  return static_cast<float>(to_doubles(set.inputs.at("x")->tensor(sample, 0, wanted)).at(0));
}

TEST(ReducedSet, TakesSamplesSpreadOverTheSet) {
  const TestSet some = reduced(ten(), 4);
  EXPECT_EQ(some.name, "ten (quick: 4 of 10)");
  ASSERT_EQ(some.samples, 4u);
  EXPECT_EQ(some.truth, (std::vector<uint32_t>{0, 1, 2, 3}));  // of samples 0, 2, 5, 7
  EXPECT_EQ(some.cluster_count, 4u);
  const float expected[] = {0, 2, 5, 7};
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(value_of(some, i), expected[i]);
}

TEST(ReducedSet, ClustersThatAreGoneAreNotCounted) {
  const TestSet some = reduced(ten(), 2);  // samples 0 and 5
  EXPECT_EQ(some.clusters, (std::vector<uint32_t>{0, 1}));
  EXPECT_EQ(some.cluster_count, 2u);
}

TEST(ReducedSet, ASmallSetStaysWhole) {
  const TestSet all = reduced(ten(), 10);
  EXPECT_EQ(all.name, "ten");
  EXPECT_EQ(all.samples, 10u);
}

TEST(ReducedSet, OfALanguageSetDocumentsAndGaps) {
  const test::TempFolder folder;
  folder.write("tokens.json", test::kFourTokens);
  folder.write("t.txt", "ab\naab\naaab\naaaab\n");
  folder.write("gaps.csv", "text,choices,answer,cluster\na___,b|c,b,x\naa___,b|c,b,x\naaa___,b|c,b,y\n");
  const auto path = folder.write(
      "set.yaml",
      "version: 1\ntask: language_model\nname: texts\ntokenizer: tokens.json\ntexts: t.txt\ncloze: gaps.csv\n");
  const TestSet some = reduced(load_test_set(path), 2);
  EXPECT_EQ(some.name, "texts (quick: 2 of 4)");
  EXPECT_EQ(some.samples, 2u);
  ASSERT_EQ(some.language->documents.size(), 2u);
  EXPECT_EQ(some.language->documents[1].name, "t.txt:3");
  ASSERT_EQ(some.language->cloze.size(), 2u);
  EXPECT_EQ(some.language->cloze[1].name, "gaps.csv:3");
  EXPECT_EQ(some.language->cloze_cluster_count, 1u);
}

TEST(ReducedSet, OfASpeechSetClips) {
  TestSet set;
  set.task = TaskKind::kSpeech;
  set.samples = 4;
  auto speech = std::make_shared<SpeechSet>();
  for (const char* name : {"a", "b", "c", "d"}) speech->clips.push_back({name, "", 0, 0, "hi"});
  set.speech = std::move(speech);
  const TestSet some = reduced(set, 2);
  EXPECT_EQ(some.samples, 2u);
  ASSERT_EQ(some.speech->clips.size(), 2u);
  EXPECT_EQ(some.speech->clips[0].name, "a");
  EXPECT_EQ(some.speech->clips[1].name, "c");
}

TEST(ContentDigest, ChangesWithEveryFileThatTheSetNames) {
  const test::TempFolder folder;
  const auto set =
      folder.write("set.yaml", "version: 1\ntask: tensors\ninputs: {x: \"x.npz#a\", y: {sound: [a.wav]}}\n");
  folder.write("x.npz", "first");
  folder.write("a.wav", "sound");
  folder.write("other.npz", "other");
  const std::string before = content_digest(set);
  EXPECT_EQ(content_digest(set), before);
  folder.write("other.npz", "is not named");
  EXPECT_EQ(content_digest(set), before);
  folder.write("x.npz", "second");
  const std::string array = content_digest(set);
  EXPECT_NE(array, before);
  folder.write("a.wav", "another sound");
  EXPECT_NE(content_digest(set), array);
}

TEST(ContentDigest, LooksIntoTablesAndFolders) {
  const test::TempFolder folder;
  std::filesystem::create_directories(folder.path() / "texts");
  std::filesystem::create_directories(folder.path() / "clips");
  const auto set = folder.write("set.yaml", "version: 1\ntexts: texts\nitems: clips/items.csv\n");
  folder.write("texts/a.txt", "a");
  folder.write("clips/items.csv", "file,label\none.opus,de\n");
  folder.write("clips/one.opus", "1");
  const std::string before = content_digest(set);
  folder.write("texts/b.txt", "b");
  const std::string text = content_digest(set);
  EXPECT_NE(text, before);
  folder.write("clips/one.opus", "2");
  EXPECT_NE(content_digest(set), text);
}

}  // namespace
}  // namespace vetquant
