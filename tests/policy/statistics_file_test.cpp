// Statistics files: what is written reads back, what people write by hand is taken, and what is wrong is named with its place.
#include "vetquant/policy/statistics_file.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "support/error_of.h"
#include "vetquant/core/temporary_folder.h"
#include "words.h"

namespace vetquant {
namespace {

using quant::ActivationRange;
using quant::ActivationStatistics;
using quant::RangeMethod;
using quant::TensorStatistics;
using test::error_of;

ActivationStatistics full() {
  ActivationStatistics all;
  all.model_file = "mnist.onnx";
  all.model_digest = "xxh3-128:00";
  all.samples_source = "calib.npz";
  all.samples = 100;
  all.settings = {.method = RangeMethod::kPercentile, .percentile = 99.99};
  TensorStatistics conv;
  conv.range = ActivationRange{-1.25f, 4.7f};
  conv.minimum = -1.3f;
  conv.maximum = 5.2f;
  conv.mean = 0.1;
  conv.deviation = 0.6;
  conv.values = 120000;
  conv.nans = 2;
  conv.infinities = 1;
  conv.histogram = quant::Histogram{-1.5, 5.5, {1, 0, 119996}};
  conv.channels = quant::ChannelRanges{1, {-1.3f, 0}, {5.2f, 1}};
  all.tensors["conv1"] = conv;
  all.tensors["/if/then_branch/a \"b\""] = {};  // never reached
  return all;
}

constexpr std::string_view kText =
    "vetquant_statistics: 1\n"
    "model: {file: \"mnist.onnx\", digest: \"xxh3-128:00\"}\n"
    "samples: {source: \"calib.npz\", count: 100}\n"
    "method: {name: percentile, percentile: 99.99}\n"
    "tensors:\n"
    "  \"/if/then_branch/a \\\"b\\\"\":\n"
    "    values: 0\n"
    "  \"conv1\":\n"
    "    range: [-1.25, 4.7]\n"
    "    minimum: -1.3\n"
    "    maximum: 5.2\n"
    "    mean: 0.1\n"
    "    deviation: 0.6\n"
    "    values: 120000\n"
    "    nan: 2\n"
    "    inf: 1\n"
    "    histogram: {low: -1.5, high: 5.5, counts: [1, 0, 119996]}\n"
    "    channels: {axis: 1, minimum: [-1.3, 0], maximum: [5.2, 1]}\n";

std::string complaint(const std::string& text) {
  const Error error = error_of([&] { parse_statistics(text, "s.yaml"); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  return error.what();
}

std::string about_tensor(const std::string& body) {
  return complaint("vetquant_statistics: 1\ntensors:\n  x:\n    " + body + "\n");
}

TEST(StatisticsFile, IsWrittenForPeople) { EXPECT_EQ(to_yaml(full()), kText); }

TEST(StatisticsFile, ReadsBackWhatWasWritten) { EXPECT_EQ(parse_statistics(to_yaml(full()), "s.yaml"), full()); }

TEST(StatisticsFile, SettingsReadBackForEachMethod) {
  for (const RangeMethod method :
       {RangeMethod::kMinMax, RangeMethod::kEntropy, RangeMethod::kMse, RangeMethod::kMean}) {
    ActivationStatistics all = full();
    all.settings = {.method = method, .symmetry = Symmetry::kSymmetric};
    if (method == RangeMethod::kEntropy || method == RangeMethod::kMse) all.settings.bits = 16;
    EXPECT_EQ(parse_statistics(to_yaml(all), "s.yaml"), all) << name_of(method);
  }
}

TEST(StatisticsFile, FloatsReadBackToTheBit) {
  ActivationStatistics all;
  uint32_t bits = 1;
  for (int i = 0; i < 20'000; ++i) {
    bits = bits * 1664525u + 1013904223u;
    const float value = std::bit_cast<float>(bits);
    if (!std::isfinite(value)) continue;
    TensorStatistics one;
    one.range = ActivationRange{value, value};
    one.minimum = one.maximum = value;
    one.values = 1;
    all.tensors[std::to_string(i)] = one;
  }
  EXPECT_EQ(parse_statistics(to_yaml(all), "s.yaml"), all);
}

TEST(StatisticsFile, ANameOfAnyLengthReadsBack) {
  ActivationStatistics all;
  all.tensors[std::string(3000, 'n')] = {};
  EXPECT_EQ(parse_statistics(to_yaml(all), "s.yaml"), all);
}

TEST(StatisticsFile, ManyTensorsWithHistogramsFit) {
  ActivationStatistics all;
  for (int i = 0; i < 3000; ++i) {
    TensorStatistics one;
    one.range = ActivationRange{0, 1};
    one.maximum = 1;
    one.values = 128;
    one.histogram = quant::Histogram{0, 1, std::vector<uint64_t>(128, 1)};
    all.tensors["tensor " + std::to_string(i)] = one;
  }
  EXPECT_EQ(parse_statistics(to_yaml(all), "s.yaml"), all);
}

TEST(StatisticsFile, ARangeAloneIsEnough) {
  const ActivationStatistics all =
      parse_statistics("# mine\nvetquant_statistics: 1\ntensors: {conv1: {range: [-1, 2]}}\n", "s.yaml");
  const TensorStatistics& conv = all.tensors.at("conv1");
  EXPECT_EQ(conv.range, (ActivationRange{-1, 2}));
  EXPECT_EQ(conv.minimum, -1);
  EXPECT_EQ(conv.maximum, 2);
}

TEST(StatisticsFile, NeverReachedIsNoRange) {
  const ActivationStatistics all = parse_statistics("vetquant_statistics: 1\ntensors: {c: {values: 0}}\n", "s.yaml");
  EXPECT_FALSE(all.tensors.at("c").range.has_value());
}

TEST(StatisticsFile, NamesUnknownKeysWithTheNearest) {
  EXPECT_EQ(about_tensor("rnge: [0, 1]"), "s.yaml:4:5: unknown key 'rnge' in tensor; did you mean 'range'?");
  EXPECT_EQ(complaint("vetquant_statistics: 1\ntensor: {}\n"),
            "s.yaml:2:1: unknown key 'tensor' in statistics file; did you mean 'tensors'?");
  EXPECT_EQ(complaint("vetquant_statistics: 1\nmethod: {name: entropie}\ntensors: {}\n"),
            "s.yaml:2:16: unknown method 'entropie'; did you mean 'entropy'?");
}

TEST(StatisticsFile, NamesWhatIsMissing) {
  EXPECT_EQ(complaint("tensors: {}\n"), "s.yaml:1:1: statistics file needs the key 'vetquant_statistics'");
  EXPECT_EQ(complaint("vetquant_statistics: 1\n"), "s.yaml:1:1: statistics file needs the key 'tensors'");
  EXPECT_EQ(about_tensor("mean: 0"), "s.yaml:4:5: tensor needs the key 'range'");
}

TEST(StatisticsFile, RefusesRangesThatAreNone) {
  EXPECT_EQ(about_tensor("range: [2, 1]"), "s.yaml:4:12: the range's low end lies above its high end");
  EXPECT_EQ(about_tensor("range: [1]"), "s.yaml:4:12: range takes two numbers: [low, high]");
  EXPECT_EQ(about_tensor("range: [0, .nan]"),
            "s.yaml:4:16: high end of range must be a number from -3.4028234663852886e+38 to 3.4028234663852886e+38, "
            "not '.nan'");
  EXPECT_EQ(about_tensor("range: [0, 1e39]"),
            "s.yaml:4:16: high end of range must be a number from -3.4028234663852886e+38 to 3.4028234663852886e+38, "
            "not '1e39'");
}

TEST(StatisticsFile, RefusesFiguresThatContradict) {
  EXPECT_EQ(about_tensor("{range: [0, 1], minimum: 3, maximum: 2}"), "s.yaml:4:5: the minimum lies above the maximum");
  EXPECT_EQ(about_tensor("{range: [0, 1], histogram: {low: 1, high: 1, counts: [1]}}"),
            "s.yaml:4:32: the histogram's low end must lie below its high end");
  EXPECT_EQ(about_tensor("{range: [0, 1], histogram: {low: 0, high: 1, counts: []}}"),
            "s.yaml:4:58: counts is an empty list");
  EXPECT_EQ(about_tensor("{range: [0, 1], channels: {axis: 1, minimum: [0, 0], maximum: [1]}}"),
            "s.yaml:4:67: there are 1 maxima for 2 minima");
  EXPECT_EQ(about_tensor("{range: [0, 1], channels: {axis: 1, minimum: [2], maximum: [1]}}"),
            "s.yaml:4:64: the maximum of channel 0 lies below its minimum");
}

TEST(StatisticsFile, IsKnownByItsKey) {
  const TemporaryFolder folder("statistics-test");
  const auto written = [&](const char* name, const std::string& text) {
    std::ofstream(folder.path() / name) << text;
    return (folder.path() / name).string();
  };
  EXPECT_TRUE(is_statistics_file(written("s.yaml", to_yaml(full()))));
  EXPECT_TRUE(is_statistics_file(written("c.yaml", "# edited\ntensors: {}\nvetquant_statistics: 1\n")));
  EXPECT_FALSE(is_statistics_file(written("t.yaml", "version: 1\ntask: tensors\n")));
  EXPECT_FALSE(is_statistics_file(written("e.yaml", "")));
  EXPECT_FALSE(is_statistics_file((folder.path() / "missing.yaml").string()));
  EXPECT_FALSE(is_statistics_file(folder.path().string()));
}

std::set<std::string> keys_of(const nlohmann::json& object) {
  std::set<std::string> keys;
  for (const auto& [key, value] : object.at("properties").items()) keys.insert(key);
  return keys;
}

std::set<std::string> names(words::Words words) { return {words.begin(), words.end()}; }

TEST(StatisticsFile, SchemaHasTheKeysAndWordsOfTheParser) {
  std::ifstream file(VETQUANT_SCHEMAS "/statistics.schema.json");
  const nlohmann::json root = nlohmann::json::parse(file);
  const nlohmann::json& properties = root.at("properties");
  EXPECT_EQ(keys_of(root), names(words::kStatisticsKeys));
  EXPECT_EQ(keys_of(properties.at("model")), names(words::kStatisticsModelKeys));
  EXPECT_EQ(keys_of(properties.at("samples")), names(words::kStatisticsSamplesKeys));
  EXPECT_EQ(keys_of(properties.at("method")), names(words::kStatisticsMethodKeys));
  EXPECT_EQ(properties.at("method").at("properties").at("name").at("enum").get<std::set<std::string>>(),
            names(words::kRangeMethods));
  const nlohmann::json& tensor = root.at("$defs").at("tensor");
  EXPECT_EQ(keys_of(tensor), names(words::kTensorStatisticsKeys));
  EXPECT_EQ(keys_of(tensor.at("properties").at("histogram")), names(words::kHistogramKeys));
  EXPECT_EQ(keys_of(tensor.at("properties").at("channels")), names(words::kChannelKeys));
}

TEST(StatisticsFile, MethodsHaveTheNamesOfTheFile) {
  for (size_t i = 0; i < words::kRangeMethods.size(); ++i)
    EXPECT_EQ(name_of(static_cast<RangeMethod>(i)), words::kRangeMethods[i]);
}

}  // namespace
}  // namespace vetquant
