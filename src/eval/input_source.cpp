#include "vetquant/eval/input_source.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "vetquant/core/checked.h"
#include "vetquant/core/error.h"
#include "vetquant/eval/random.h"
#include "vetquant/eval/sound.h"

namespace vetquant {
namespace {

constexpr uint64_t kMostElements = uint64_t{1} << 31;  // of one made-up tensor

uint64_t checked_size(const std::vector<int64_t>& shape, const std::string& name) {
  const auto elements = checked_elements(shape);
  if (!elements || *elements > kMostElements)
    throw Error(ErrorCode::kUsage, "the shape " + describe(HostTensor{DType::kFloat32, shape, {}}) + " is too large",
                name);
  return *elements;
}

bool shape_fits(const std::vector<int64_t>& shape, const std::vector<int64_t>& wanted) {
  if (shape.size() != wanted.size()) return false;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (wanted[d] >= 0 && wanted[d] != shape[d]) return false;
  }
  return true;
}

class ArraySource : public InputSource {
 public:
  ArraySource(HostTensor array, std::string name) : array_(std::move(array)), name_(std::move(name)) {
    if (array_.shape.empty())
      throw Error(ErrorCode::kUsage, "is a single number; the first axis must count the samples", name_);
    samples_ = static_cast<size_t>(array_.shape[0]);
    const std::vector<int64_t> rest(array_.shape.begin() + 1, array_.shape.end());
    sample_shape_ = rest;
    sample_bytes_ = samples_ ? array_.data.size() / samples_ : 0;
  }
  std::optional<size_t> samples() const override { return samples_; }
  HostTensor tensor(size_t sample, size_t, const TensorInfo& wanted) override {
    const auto begin = array_.data.begin() + static_cast<std::ptrdiff_t>(sample * sample_bytes_);
    HostTensor one{array_.dtype, sample_shape_, {begin, begin + static_cast<std::ptrdiff_t>(sample_bytes_)}};
    return fitted(std::move(one), wanted);
  }

 private:
  HostTensor array_;
  std::string name_;
  size_t samples_ = 0, sample_bytes_ = 0;
  std::vector<int64_t> sample_shape_;
};

// Keeps the sound that was read last: samples are asked for in order.
class SoundCache {
 public:
  SoundCache(std::vector<std::filesystem::path> files, int sample_rate)
      : files_(std::move(files)), sample_rate_(sample_rate) {}
  const std::vector<float>& of(size_t file) {
    if (!held_ || *held_ != file) {
      sound_ = read_sound(files_.at(file), sample_rate_);
      held_ = file;
    }
    return sound_.samples;
  }
  const std::filesystem::path& path(size_t file) const { return files_.at(file); }
  size_t size() const { return files_.size(); }

 private:
  std::vector<std::filesystem::path> files_;
  int sample_rate_;
  std::optional<size_t> held_;
  Sound sound_;
};

HostTensor sound_tensor(const std::vector<float>& values, const TensorInfo& wanted) {
  return fitted(make_floats({static_cast<int64_t>(values.size())}, values), wanted);
}

class SoundSource : public InputSource {
 public:
  SoundSource(std::vector<std::filesystem::path> files, int sample_rate, SoundWindows windows)
      : cache_(std::move(files), sample_rate), windows_(windows) {}
  std::optional<size_t> samples() const override { return cache_.size(); }
  std::optional<size_t> steps(size_t sample) override {
    const size_t length = windows_.lead + cache_.of(sample).size();
    if (windows_.window == 0 || length <= windows_.window) return 1;
    return 1 + (length - windows_.window + windows_.hop - 1) / windows_.hop;
  }
  HostTensor tensor(size_t sample, size_t step, const TensorInfo& wanted) override {
    const std::vector<float>& sound = cache_.of(sample);
    const size_t width = windows_.window ? windows_.window : windows_.lead + sound.size();
    std::vector<float> values(width, 0.0F);
    for (size_t i = 0; i < width; ++i) {
      const size_t at = step * windows_.hop + i;
      if (at >= windows_.lead && at - windows_.lead < sound.size()) values[i] = sound[at - windows_.lead];
    }
    return sound_tensor(values, wanted);
  }

 private:
  SoundCache cache_;
  SoundWindows windows_;
};

class ClipSource : public InputSource {
 public:
  ClipSource(std::vector<std::filesystem::path> files, std::vector<Clip> clips, int sample_rate,
             size_t samples_per_clip)
      : cache_(std::move(files), sample_rate), clips_(std::move(clips)), width_(samples_per_clip) {}
  std::optional<size_t> samples() const override { return clips_.size(); }
  HostTensor tensor(size_t sample, size_t, const TensorInfo& wanted) override {
    const Clip& clip = clips_.at(sample);
    const std::vector<float>& sound = cache_.of(clip.file);
    if (clip.start_frame > sound.size() || clip.frames > sound.size() - clip.start_frame) {
      throw Error(ErrorCode::kUsage,
                  "has " + std::to_string(sound.size()) + " samples, but an item of the test set is at " +
                      std::to_string(clip.start_frame) + " and " + std::to_string(clip.frames) + " long",
                  cache_.path(clip.file).string());
    }
    std::vector<float> values(width_, 0.0F);
    const auto begin = sound.begin() + static_cast<std::ptrdiff_t>(clip.start_frame);
    std::copy_n(begin, std::min<uint64_t>(clip.frames, width_), values.begin());
    return sound_tensor(values, wanted);
  }

 private:
  SoundCache cache_;
  std::vector<Clip> clips_;
  size_t width_;
};

class ConstantSource : public InputSource {
 public:
  ConstantSource(double value, std::optional<std::vector<int64_t>> shape, DimSizes dims)
      : value_(value), shape_(std::move(shape)), dims_(std::move(dims)) {}
  HostTensor tensor(size_t, size_t, const TensorInfo& wanted) override {
    const std::vector<int64_t> shape = shape_ ? *shape_ : fixed_shape(wanted, dims_);
    const std::vector<double> values(checked_size(shape, wanted.name), value_);
    HostTensor doubles{DType::kFloat64, shape, std::vector<std::byte>(values.size() * sizeof(double))};
    if (!values.empty()) std::memcpy(doubles.data.data(), values.data(), doubles.data.size());
    return fitted(std::move(doubles), wanted);
  }

 private:
  double value_;
  std::optional<std::vector<int64_t>> shape_;
  DimSizes dims_;
};

class RandomSource : public InputSource {
 public:
  explicit RandomSource(RandomValues values) : values_(std::move(values)) {}
  HostTensor tensor(size_t sample, size_t step, const TensorInfo& wanted) override {
    const std::vector<int64_t> shape = values_.shape ? *values_.shape : fixed_shape(wanted, values_.dims);
    const uint64_t count = checked_size(shape, wanted.name);
    // Each sample, step and input has its own stream: what one model asks for does not move another's numbers.
    Random random(values_.seed, (values_.stream << 48) ^ (static_cast<uint64_t>(sample) << 20) ^ step);
    if (is_float(wanted.dtype)) {
      std::vector<float> floats(count);
      for (float& value : floats) value = static_cast<float>(values_.deviation * random.normal());
      return fitted(make_floats(shape, floats), wanted);
    }
    const uint64_t below = wanted.dtype == DType::kBool ? 2 : values_.below;
    std::vector<int64_t> integers(count);
    for (int64_t& value : integers) value = static_cast<int64_t>(random.below(below));
    return fitted(make_int64s(shape, integers), wanted);
  }

 private:
  RandomValues values_;
};

}  // namespace

std::vector<int64_t> fixed_shape(const TensorInfo& info, const DimSizes& dims) {
  std::vector<int64_t> shape = info.shape;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] >= 0) continue;
    const auto found = d < info.symbols.size() ? dims.find(info.symbols[d]) : dims.end();
    shape[d] = found == dims.end() ? 1 : found->second;
  }
  return shape;
}

HostTensor fitted(HostTensor tensor, const TensorInfo& wanted) {
  const std::string had = describe(tensor);
  const uint64_t elements = elements_of(tensor);
  bool numbers_only = !wanted.shape.empty();
  for (const int64_t dim : wanted.shape) numbers_only &= dim >= 0;
  while (tensor.shape.size() > wanted.shape.size() && tensor.shape[0] == 1) tensor.shape.erase(tensor.shape.begin());
  if (tensor.shape.size() < wanted.shape.size() && !numbers_only) {
    tensor.shape.insert(tensor.shape.begin(), wanted.shape.size() - tensor.shape.size(), 1);
  }
  // A model of one fixed shape takes what has its number of elements: [28, 28] for [1, 1, 28, 28].
  const auto fixed_elements = numbers_only ? checked_elements(wanted.shape) : std::nullopt;
  if (fixed_elements && *fixed_elements == elements) tensor.shape = wanted.shape;
  if (!shape_fits(tensor.shape, wanted.shape)) {
    throw Error(ErrorCode::kUsage, "the test set gives " + had + " where the model wants " + describe(wanted),
                "input '" + wanted.name + "'");
  }
  try {
    return converted(tensor, wanted.dtype);
  } catch (const Error& error) {
    throw Error(error.code(), error.message() + "; the model wants " + describe(wanted), "input '" + wanted.name + "'");
  }
}

uint64_t random_stream_of(const std::string& input) {  // FNV-1a
  uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : input) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return hash & 0xFFFF;
}

std::shared_ptr<InputSource> make_array_source(HostTensor array, std::string name) {
  return std::make_shared<ArraySource>(std::move(array), std::move(name));
}
std::shared_ptr<InputSource> make_sound_source(std::vector<std::filesystem::path> files, int sample_rate,
                                               SoundWindows windows) {
  return std::make_shared<SoundSource>(std::move(files), sample_rate, windows);
}
std::shared_ptr<InputSource> make_clip_source(std::vector<std::filesystem::path> files, std::vector<Clip> clips,
                                              int sample_rate, size_t samples_per_clip) {
  return std::make_shared<ClipSource>(std::move(files), std::move(clips), sample_rate, samples_per_clip);
}
std::shared_ptr<InputSource> make_constant_source(double value, std::optional<std::vector<int64_t>> shape,
                                                  DimSizes dims) {
  return std::make_shared<ConstantSource>(value, std::move(shape), std::move(dims));
}
std::shared_ptr<InputSource> make_random_source(RandomValues values) {
  return std::make_shared<RandomSource>(std::move(values));
}

}  // namespace vetquant
