#include "vetquant/eval/test_set.h"

#include <gtest/gtest.h>

#include "eval/npz_support.h"
#include "eval/sound_support.h"
#include "sha256.h"
#include "support/model_builder.h"
#include "vetquant/core/error.h"
#include "vetquant/core/hash.h"

namespace vetquant {
namespace {

using test::npy;
using test::npz;
using test::TempFolder;

const TensorInfo kVector{"x", DType::kFloat32, {-1, 4}, {"N", ""}};

std::string error_of(const TempFolder& folder, const std::string& text) {
  try {
    load_test_set(folder.write("set.yaml", text));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage) << error.what();
    std::string what = error.what();
    const std::string place = folder.path().string() + "/";
    for (size_t at = what.find(place); at != std::string::npos; at = what.find(place)) what.erase(at, place.size());
    return what;
  }
  return "no error";
}

constexpr const char* kClips =
    "version: 1\ntask: classification\nname: voices\nlicense: CC0-1.0\ninput: x\nsample_rate: 16000\nsamples_per_clip: "
    "4\n"
    "labels: [cs, de]\nitems: items.csv\n";

void write_clips(const TempFolder& folder,
                 const std::string& items = "a.wav,0,2,cs,anna\na.wav,2,6,de,\"bob, the vet\"\na.wav,1,4,cs,anna\n") {
  test::write_sound(folder.path() / "a.wav", {0.125F, 0.25F, 0.375F, 0.5F, 0.625F, 0.75F, 0.875F, -1}, 16'000, 1);
  folder.write("items.csv", "file,start_frame,frames,label,cluster\n" + items);
}

TEST(TestSet, ClipsArePaddedAndCut) {
  TempFolder folder;
  write_clips(folder);
  const TestSet set = load_test_set(folder.write("set.yaml", kClips));
  EXPECT_EQ(set.name, "voices");
  EXPECT_EQ(set.samples, 3U);
  EXPECT_EQ(set.truth, (std::vector<uint32_t>{0, 1, 0}));
  EXPECT_EQ(set.clusters, (std::vector<uint32_t>{0, 1, 0}));
  EXPECT_EQ(set.cluster_count, 2U);
  const auto feed = [&](size_t sample) { return to_doubles(feed_of(set, sample, 0, {kVector}).at(0).tensor); };
  EXPECT_EQ(feed(0), (std::vector<double>{0.125, 0.25, 0, 0}));
  EXPECT_EQ(feed(1), (std::vector<double>{0.375, 0.5, 0.625, 0.75}));
  EXPECT_EQ(feed(2), (std::vector<double>{0.25, 0.375, 0.5, 0.625}));
}

TEST(TestSet, DigestsOfEitherKindAreChecked) {
  TempFolder folder;
  write_clips(folder);
  const std::string sound = test::read_text(folder.path() / "a.wav"),
                    items = test::read_text(folder.path() / "items.csv");
  const std::string good = kClips + std::string("digest: sha256:") + sha256_of(items) +
                           "\nfiles: {a.wav: 'xxh3:" + digest_of(sound) + "'}\n";
  EXPECT_EQ(error_of(folder, good), "no error");
  folder.write("items.csv", items + "a.wav,0,1,cs,anna\n");
  EXPECT_NE(error_of(folder, good).find("items.csv: is not the file that the test set was made with: its sha256 is "),
            std::string::npos);
  folder.write("items.csv", items);
  folder.write("a.wav", sound + "x");
  EXPECT_NE(error_of(folder, good).find("a.wav: is not the file"), std::string::npos);
  EXPECT_NE(error_of(folder, kClips + std::string("digest: md5:00\n")).find("a digest is written xxh3:"),
            std::string::npos);
}

TEST(TestSet, MistakesAreToldWithTheirPlace) {
  TempFolder folder;
  write_clips(folder);
  EXPECT_EQ(error_of(folder, "version: 1\ntask: clasification\n"),
            "set.yaml:2:7: unknown task 'clasification'; known are classification, language_model, speech and tensors");
  EXPECT_EQ(error_of(folder, kClips + std::string("lables: [a]\n")),
            "set.yaml:10:1: unknown key 'lables'; did you mean 'labels'?");
  EXPECT_EQ(error_of(folder, "version: 2\ntask: tensors\n"), "set.yaml:1:10: 'version' must be an integer from 1 to 1");
  EXPECT_EQ(error_of(folder, "task: tensors\n"), "set.yaml:1:1: the key 'version' is missing");
  EXPECT_NE(error_of(folder, "version: [1\n").find("is not valid YAML"), std::string::npos);
  EXPECT_EQ(error_of(folder, "just text\n"), "set.yaml:1:1: a test set is a mapping of keys to values");
  folder.write("items.csv", "file,start_frame,frames,label\na.wav,0,2,fr\n");
  EXPECT_EQ(error_of(folder, kClips), "items.csv:2: 'fr' is not among the test set's labels");
  folder.write("items.csv", "file,start_frame,frames,label\na.wav,zero,2,cs\n");
  EXPECT_EQ(error_of(folder, kClips), "items.csv:2: 'zero' is not a number of samples (column 'start_frame')");
  folder.write("items.csv", "file,start_frame,frames,label\na.wav,0,2\n");
  EXPECT_EQ(error_of(folder, kClips), "items.csv:2: has 3 fields where the header has 4");
  folder.write("items.csv", "file,start_frame,label\n");
  EXPECT_EQ(error_of(folder, kClips), "items.csv:1: lacks the column 'frames'");
}

TEST(TestSet, AClipBeyondItsFileIsRefusedWhenItIsRead) {
  TempFolder folder;
  write_clips(folder, "a.wav,5,100,cs,anna\n");
  const TestSet set = load_test_set(folder.write("set.yaml", kClips));
  EXPECT_THROW(feed_of(set, 0, 0, {kVector}), Error);
}

TEST(TestSet, ABareArchiveHoldsOneArrayForEachInput) {
  TempFolder folder;
  const auto path = folder.write("in.npz", npz({{"x", npy<double>("<f8", "2, 4", {1, 2, 3, 4, 5, 6, 7, 8})}}));
  const TestSet set = load_test_set(path);
  EXPECT_EQ(set.samples, 2U);
  EXPECT_EQ(set.task, TaskKind::kTensors);
  const auto feed = feed_of(set, 1, 0, {kVector});
  EXPECT_EQ(describe(feed.at(0).tensor), "fp32[1, 4]");
  EXPECT_EQ(to_doubles(feed[0].tensor), (std::vector<double>{5, 6, 7, 8}));
  EXPECT_THROW(feed_of(set, 0, 0, {TensorInfo{"y", DType::kFloat32, {4}, {""}}}), Error);
  EXPECT_THROW(feed_of(set, 0, 0, {TensorInfo{"x", DType::kFloat32, {5}, {""}}}), Error);
}

TEST(TestSet, SoundIsCutIntoWindowsWithLeadAndState) {
  TempFolder folder;
  test::write_sound(folder.path() / "a.wav", {0.125F, 0.25F, 0.375F, 0.5F, 0.625F}, 8'000, 1);
  const TestSet set = load_test_set(folder.write("set.yaml",
                                                 "version: 1\ntask: tensors\ninputs:\n  x: {sound: a.wav, sample_rate: "
                                                 "8000, window: 4, hop: 2, lead: 1}\n  rate: {value: 8000}\n"
                                                 "state: {h_out: h}\nthresholds: {p: 0.5}\nclusters: [one]\n"));
  EXPECT_EQ(set.samples, 1U);
  EXPECT_EQ(steps_of(set, 0), 2U);  // 6 samples with the lead: [0, 4) and [2, 6)
  const std::vector<TensorInfo> wanted = {
      kVector, {"rate", DType::kInt64, {}, {}}, {"h", DType::kFloat32, {2, -1, 3}, {"", "N", ""}}};
  const auto first = feed_of(set, 0, 0, wanted), second = feed_of(set, 0, 1, wanted);
  ASSERT_EQ(first.size(), 3U);
  EXPECT_EQ(to_doubles(first[0].tensor), (std::vector<double>{0, 0.125, 0.25, 0.375}));
  EXPECT_EQ(to_doubles(first[1].tensor), (std::vector<double>{8000}));
  EXPECT_EQ(describe(first[2].tensor), "fp32[2, 1, 3]");
  ASSERT_EQ(second.size(), 2U);  // the state is fed by the model from here on
  EXPECT_EQ(to_doubles(second[0].tensor), (std::vector<double>{0.25, 0.375, 0.5, 0.625}));
  EXPECT_EQ(set.thresholds.at("p"), 0.5);
}

TEST(TestSet, RandomInputsAreSeededAndFitTheModel) {
  RandomSettings settings;
  settings.allowed = true;
  settings.samples = 3;
  settings.below = 5;
  settings.dims = {{"T", 7}};
  const TestSet set = random_test_set(settings);
  const std::vector<TensorInfo> wanted = {{"ids", DType::kInt64, {-1, -1}, {"N", "T"}},
                                          {"x", DType::kFloat16, {2, 3}, {"", ""}},
                                          {"flag", DType::kBool, {1}, {""}}};
  const auto feed = feed_of(set, 0, 0, wanted), again = feed_of(set, 0, 0, wanted), other = feed_of(set, 1, 0, wanted);
  EXPECT_EQ(describe(feed[0].tensor), "int64[1, 7]");
  for (const double id : to_doubles(feed[0].tensor)) EXPECT_TRUE(id >= 0 && id < 5);
  EXPECT_EQ(feed[1].tensor.data, again[1].tensor.data);
  EXPECT_NE(feed[1].tensor.data, other[1].tensor.data);
  // An input has the same numbers whatever other inputs there are.
  EXPECT_EQ(feed_of(set, 0, 0, {wanted[1]})[0].tensor.data, feed[1].tensor.data);
}

TEST(TestSet, ArraysWithAnswersAreAClassificationSet) {
  TempFolder folder;
  folder.write("d.npz", npz({{"pixels", npy<uint8_t>("|u1", "2, 2, 2", {1, 2, 3, 4, 5, 6, 7, 8})},
                             {"y", npy<int64_t>("<i8", "2,", {3, 0})}}));
  const TestSet set = load_test_set(
      folder.write("set.yaml", "version: 1\ntask: classification\ninputs: {x: 'd.npz#pixels'}\ntruth: 'd.npz#y'\n"));
  EXPECT_EQ(set.truth, (std::vector<uint32_t>{3, 0}));
  const auto feed = feed_of(set, 1, 0, {TensorInfo{"x", DType::kFloat32, {1, 1, 2, 2}, {}}});
  EXPECT_EQ(to_doubles(feed[0].tensor), (std::vector<double>{5, 6, 7, 8}));
  EXPECT_NE(
      error_of(folder,
               "version: 1\ntask: classification\ninputs: {x: 'd.npz#pixels'}\ntruth: 'd.npz#y'\nlabels: [a, b]\n")
          .find("is no class number"),
      std::string::npos);
}

TEST(TestSet, DifferentNumbersOfSamplesAreRefused) {
  TempFolder folder;
  const auto path =
      folder.write("in.npz", npz({{"x", npy<float>("<f4", "2,", {1, 2})}, {"y", npy<float>("<f4", "3,", {1, 2, 3})}}));
  try {
    load_test_set(path);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "input 'x' has 2 samples, but 'y' has 3");
  }
}

TEST(TestSet, AnotherKindOfFileIsRefused) {
  TempFolder folder;
  EXPECT_THROW(load_test_set(folder.write("set.txt", "x")), Error);
}

}  // namespace
}  // namespace vetquant
