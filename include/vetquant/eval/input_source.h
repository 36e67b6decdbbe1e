// Where the values of one model input come from, sample by sample.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/runtime/tensor.h"

namespace vetquant {

// Sizes of symbolic dimensions, by name; a symbol that is not here is 1.
using DimSizes = std::map<std::string, int64_t>;

class InputSource {
 public:
  virtual ~InputSource() = default;
  virtual std::optional<size_t> samples() const { return std::nullopt; }  // nullopt: as many as the others have
  // A sample is one call of the model, or several where a state goes from each to the next (windows of a clip).
  virtual std::optional<size_t> steps(size_t /*sample*/) { return std::nullopt; }
  // Fits `wanted` in type and shape, else Error{kUsage}.
  virtual HostTensor tensor(size_t sample, size_t step, const TensorInfo& wanted) = 0;
};

// The first axis counts the samples.
std::shared_ptr<InputSource> make_array_source(HostTensor array, std::string name);

struct SoundWindows {
  size_t window = 0, hop = 0;  // samples; window 0 is the whole clip in one step
  size_t lead = 0;             // zeros before the clip
};
// Each file is one sample, cut into windows; the last one is filled up with zeros.
std::shared_ptr<InputSource> make_sound_source(std::vector<std::filesystem::path> files, int sample_rate,
                                               SoundWindows windows);

// Clips out of sound files, each filled up with zeros or cut to one length.
struct Clip {
  size_t file = 0;
  uint64_t start_frame = 0, frames = 0;
};
std::shared_ptr<InputSource> make_clip_source(std::vector<std::filesystem::path> files, std::vector<Clip> clips,
                                              int sample_rate, size_t samples_per_clip);

// One value everywhere. `shape` empty: the model's, symbols by `dims`.
std::shared_ptr<InputSource> make_constant_source(double value, std::optional<std::vector<int64_t>> shape,
                                                  DimSizes dims);

// Floats: normal with this standard deviation. Integers: 0 <= x < below. Bool: even chances.
struct RandomValues {
  uint64_t seed = 1, stream = 0;
  double deviation = 1;
  uint64_t below = 10;
  std::optional<std::vector<int64_t>> shape;  // absent: the model's, symbols by `dims`
  DimSizes dims;
};
std::shared_ptr<InputSource> make_random_source(RandomValues values);
uint64_t random_stream_of(const std::string& input);  // by name: the same numbers whatever other inputs there are

// The model's shape with its symbols replaced.
std::vector<int64_t> fixed_shape(const TensorInfo& info, const DimSizes& dims);

// In type and shape as the model wants it: converts the type, adds or drops leading axes of size 1. Error{kUsage}.
HostTensor fitted(HostTensor tensor, const TensorInfo& wanted);

}  // namespace vetquant
