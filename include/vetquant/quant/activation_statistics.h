// What values the activations of a model took on samples: what `calibrate` measured and static quantization reads.
//
// Plain data. A statistics file (policy/statistics_file.h) is this and no more. NaN and infinities are counted, and enter
// no other figure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vetquant/quant/spec.h"

namespace vetquant::quant {

// The values that codes shall represent, low <= high, as measured: whoever quantizes widens it to hold 0.
struct ActivationRange {
  float low = 0, high = 0;
  bool operator==(const ActivationRange&) const = default;
};

// How many values fell into each of counts.size() intervals of equal width between low and high.
struct Histogram {
  double low = 0, high = 0;
  std::vector<uint64_t> counts;
  bool operator==(const Histogram&) const = default;
};

struct ChannelRanges {
  int64_t axis = 0;
  std::vector<float> minimum, maximum;  // [channels]
  bool operator==(const ChannelRanges&) const = default;
};

struct TensorStatistics {
  // What quantizing uses. Absent where no finite value was seen, and nobody wrote one into the file.
  std::optional<ActivationRange> range;
  float minimum = 0, maximum = 0;     // 0 where no finite value was seen
  double mean = 0, deviation = 0;     // deviation: the root of the mean squared distance from the mean
  uint64_t values = 0;                // how many were seen; 0: the samples never reached the tensor
  uint64_t nans = 0, infinities = 0;  // of these
  std::optional<Histogram> histogram;
  std::optional<ChannelRanges> channels;
  bool operator==(const TensorStatistics&) const = default;
};

enum class RangeMethod { kMinMax, kPercentile, kEntropy, kMse, kMean };

// How a range is chosen (quant/activation_range.h has the methods).
struct RangeSettings {
  RangeMethod method = RangeMethod::kMinMax;
  double percentile = 99.99;                  // kPercentile: the share of values that stay within, in percent
  Symmetry symmetry = Symmetry::kAsymmetric;  // kSymmetric: low = -high
  int bits = 8;                               // kEntropy, kMse: of the codes that the range is for
  bool operator==(const RangeSettings&) const = default;
};

struct ActivationStatistics {
  std::string model_file, model_digest;  // of the model that was run; digest as Model::digest, or empty
  std::string samples_source;            // the test set or .npz, for people
  uint64_t samples = 0;
  RangeSettings settings;
  // By the value's address as GraphIndex::address gives it: "conv1", "/decode_if/then_branch/fc1_out".
  std::map<std::string, TensorStatistics, std::less<>> tensors;
  bool operator==(const ActivationStatistics&) const = default;
};

std::string_view name_of(RangeMethod method);  // "minmax"
std::optional<RangeMethod> range_method(std::string_view name);

}  // namespace vetquant::quant
