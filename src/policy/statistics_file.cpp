#include "vetquant/policy/statistics_file.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>
#include <sstream>

#include "use_reader.h"
#include "vetquant/core/file.h"
#include "vetquant/policy/document.h"
#include "words.h"

namespace vetquant {
namespace {

using quant::ActivationRange;
using quant::ActivationStatistics;
using quant::ChannelRanges;
using quant::Histogram;
using quant::RangeSettings;
using quant::TensorStatistics;

constexpr YamlLimits kLimits = {.mebibytes = 16, .values = 1'000'000};
constexpr int64_t kMostCount = std::numeric_limits<int64_t>::max();
constexpr std::string_view kVersionKey = words::kStatisticsKeys[0];

float read_float(const YamlValue& value, std::string_view what) {
  constexpr double kMost = std::numeric_limits<float>::max();
  return static_cast<float>(value.number(what, -kMost, kMost));
}

double read_double(const YamlValue& value, std::string_view what) {
  constexpr double kMost = std::numeric_limits<double>::max();
  return value.number(what, -kMost, kMost);
}

uint64_t read_count(const YamlValue& value, std::string_view what) {
  return static_cast<uint64_t>(value.integer(what, 0, kMostCount));
}

ActivationRange read_range(const YamlValue& value) {
  const std::vector<YamlValue> ends = value.list("range");
  if (ends.size() != 2) value.fail("range takes two numbers: [low, high]");
  const ActivationRange range = {read_float(ends[0], "low end of range"), read_float(ends[1], "high end of range")};
  if (range.low > range.high) value.fail("the range's low end lies above its high end");
  return range;
}

Histogram read_histogram(const YamlValue& value) {
  const YamlMap map(value, "histogram", words::kHistogramKeys);
  Histogram histogram;
  histogram.low = read_double(map.need("low"), "low");
  histogram.high = read_double(map.need("high"), "high");
  if (!(histogram.low < histogram.high)) value.fail("the histogram's low end must lie below its high end");
  const YamlValue counts = map.need("counts");
  for (const YamlValue& count : counts.list("counts")) histogram.counts.push_back(read_count(count, "count"));
  if (histogram.counts.empty()) counts.fail("counts is an empty list");
  return histogram;
}

std::vector<float> read_floats(const YamlValue& value, std::string_view what) {
  std::vector<float> values;
  for (const YamlValue& item : value.list(what)) values.push_back(read_float(item, what));
  return values;
}

ChannelRanges read_channels(const YamlValue& value) {
  const YamlMap map(value, "channels", words::kChannelKeys);
  ChannelRanges channels;
  channels.axis = map.need("axis").integer("axis", 0, 1024);
  channels.minimum = read_floats(map.need("minimum"), "minimum");
  const YamlValue maximum = map.need("maximum");
  channels.maximum = read_floats(maximum, "maximum");
  if (channels.minimum.size() != channels.maximum.size()) {
    maximum.fail("there are " + std::to_string(channels.maximum.size()) + " maxima for " +
                 std::to_string(channels.minimum.size()) + " minima");
  }
  for (size_t i = 0; i < channels.minimum.size(); ++i) {
    if (channels.minimum[i] > channels.maximum[i])
      maximum.fail("the maximum of channel " + std::to_string(i) + " lies below its minimum");
  }
  return channels;
}

TensorStatistics read_tensor(const YamlValue& value) {
  const YamlMap map(value, "tensor", words::kTensorStatisticsKeys);
  TensorStatistics tensor;
  if (const auto v = map.find("range")) tensor.range = read_range(*v);
  if (const auto v = map.find("values")) tensor.values = read_count(*v, "values");
  if (!tensor.range && !map.find("values")) map.need("range");
  if (const auto v = map.find("nan")) tensor.nans = read_count(*v, "nan");
  if (const auto v = map.find("inf")) tensor.infinities = read_count(*v, "inf");
  const ActivationRange ends = tensor.range.value_or(ActivationRange{});
  const auto minimum = map.find("minimum"), maximum = map.find("maximum");
  tensor.minimum = minimum ? read_float(*minimum, "minimum") : ends.low;
  tensor.maximum = maximum ? read_float(*maximum, "maximum") : ends.high;
  if (tensor.minimum > tensor.maximum) value.fail("the minimum lies above the maximum");
  if (const auto v = map.find("mean")) tensor.mean = read_double(*v, "mean");
  if (const auto v = map.find("deviation"))
    tensor.deviation = v->number("deviation", 0, std::numeric_limits<double>::max());
  if (const auto v = map.find("histogram")) tensor.histogram = read_histogram(*v);
  if (const auto v = map.find("channels")) tensor.channels = read_channels(*v);
  return tensor;
}

RangeSettings read_method(const YamlValue& value) {
  const YamlMap map(value, "method", words::kStatisticsMethodKeys);
  RangeSettings settings;
  settings.method = static_cast<quant::RangeMethod>(map.need("name").word("method", words::kRangeMethods));
  if (const auto v = map.find("percentile")) settings.percentile = v->number("percentile", 50, 100);
  if (const auto v = map.find("symmetric"))
    settings.symmetry = v->boolean("symmetric") ? Symmetry::kSymmetric : Symmetry::kAsymmetric;
  if (const auto v = map.find("bits")) settings.bits = static_cast<int>(v->integer("bits", 4, 16));
  return settings;
}

// The shortest text that reads back as the same float.
std::string float_text(float value) {
  char buffer[32];
  return std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

template <class Item, class Text>
std::string list_text(const std::vector<Item>& items, const Text& text) {
  std::string all = "[";
  for (size_t i = 0; i < items.size(); ++i) all.append(i == 0 ? "" : ", ").append(text(items[i]));
  return all + "]";
}

std::string method_text(const RangeSettings& settings) {
  std::string text = "{name: " + std::string(name_of(settings.method));
  if (settings.method == quant::RangeMethod::kPercentile) text += ", percentile: " + yaml_number(settings.percentile);
  if (settings.method == quant::RangeMethod::kEntropy || settings.method == quant::RangeMethod::kMse)
    text += ", bits: " + std::to_string(settings.bits);
  if (settings.symmetry == Symmetry::kSymmetric) text += ", symmetric: true";
  return text + "}";
}

std::string tensor_text(const std::string& name, const TensorStatistics& tensor) {
  constexpr size_t kLongestPlainKey = 1000;  // YAML 1.2, 7.4: a key before ':' has at most 1024 characters
  const std::string quoted = yaml_text(name);
  std::string text = quoted.size() <= kLongestPlainKey ? "  " + quoted + ":\n" : "  ? " + quoted + "\n  :\n";
  const auto add = [&](std::string_view key, const std::string& value) {
    text.append("    ").append(key).append(": ").append(value).append("\n");
  };
  if (tensor.range) add("range", "[" + float_text(tensor.range->low) + ", " + float_text(tensor.range->high) + "]");
  if (tensor.range || tensor.minimum != 0 || tensor.maximum != 0) {
    add("minimum", float_text(tensor.minimum));
    add("maximum", float_text(tensor.maximum));
    add("mean", yaml_number(tensor.mean));
    add("deviation", yaml_number(tensor.deviation));
  }
  add("values", std::to_string(tensor.values));
  if (tensor.nans > 0) add("nan", std::to_string(tensor.nans));
  if (tensor.infinities > 0) add("inf", std::to_string(tensor.infinities));
  if (const auto& histogram = tensor.histogram) {
    add("histogram", "{low: " + yaml_number(histogram->low) + ", high: " + yaml_number(histogram->high) + ", counts: " +
                         list_text(histogram->counts, [](uint64_t count) { return std::to_string(count); }) + "}");
  }
  if (const auto& channels = tensor.channels) {
    add("channels", "{axis: " + std::to_string(channels->axis) +
                        ", minimum: " + list_text(channels->minimum, float_text) +
                        ", maximum: " + list_text(channels->maximum, float_text) + "}");
  }
  return text;
}

}  // namespace

ActivationStatistics parse_statistics(const std::string& text, const std::string& file_name) {
  const YamlMap map(parse_yaml(text, file_name, kLimits), "statistics file", words::kStatisticsKeys);
  map.need(kVersionKey).integer(kVersionKey, 1, 1);
  ActivationStatistics statistics;
  if (const auto v = map.find("model")) {
    const YamlMap model(*v, "model", words::kStatisticsModelKeys);
    if (const auto file = model.find("file")) statistics.model_file = file->text("file");
    if (const auto digest = model.find("digest")) statistics.model_digest = digest->text("digest");
  }
  if (const auto v = map.find("samples")) {
    const YamlMap samples(*v, "samples", words::kStatisticsSamplesKeys);
    if (const auto source = samples.find("source")) statistics.samples_source = source->text("source");
    if (const auto count = samples.find("count")) statistics.samples = read_count(*count, "count");
  }
  if (const auto v = map.find("method")) statistics.settings = read_method(*v);
  for (const auto& [name, tensor] : map.need("tensors").entries("tensors"))
    statistics.tensors.emplace(name.text("name"), read_tensor(tensor));
  return statistics;
}

ActivationStatistics read_statistics(const std::string& path) {
  return parse_statistics(read_small_file(path, kLimits), path);
}

std::string to_yaml(const ActivationStatistics& statistics) {
  std::string text = std::string(kVersionKey) + ": 1\n";
  const auto section = [&](const char* name, const char* first, const std::string& value, const char* second,
                           const std::string& other) {
    std::string body;
    if (!value.empty()) body += std::string(first) + ": " + yaml_text(value);
    if (!other.empty()) body += (body.empty() ? "" : ", ") + std::string(second) + ": " + other;
    if (!body.empty()) text += std::string(name) + ": {" + body + "}\n";
  };
  const std::string& digest = statistics.model_digest;
  section("model", "file", statistics.model_file, "digest", digest.empty() ? "" : yaml_text(digest));
  section("samples", "source", statistics.samples_source, "count", std::to_string(statistics.samples));
  text += "method: " + method_text(statistics.settings) + "\n";
  text += statistics.tensors.empty() ? "tensors: {}\n" : "tensors:\n";
  for (const auto& [name, tensor] : statistics.tensors) text += tensor_text(name, tensor);
  return text;
}

bool is_statistics_file(const std::string& path) {
  constexpr size_t kLookAt = size_t{1} << 16;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return false;
  const auto file = ReadFile::open(path, ErrorCode::kUsage);
  std::string head(static_cast<size_t>(std::min<uint64_t>(file->size_bytes(), kLookAt)), '\0');
  file->read(0, std::as_writable_bytes(std::span(head.data(), head.size())));
  std::istringstream lines(head);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(std::string(kVersionKey) + ":")) return true;
  }
  return false;
}

}  // namespace vetquant
