#include "vetquant/eval/sound.h"

#include <algorithm>
#include <memory>

#include "sound_library.h"
#include "vetquant/core/error.h"
#include "vetquant/core/file.h"

namespace vetquant {

Sound read_sound(const std::filesystem::path& path, int sample_rate) {
  constexpr size_t kBlock = size_t{1} << 16;
  constexpr size_t kMostSamples = size_t{1} << 31;
  // Opened here, so that a FIFO or a device cannot block libsndfile.
  const auto file = ReadFile::open(path, ErrorCode::kUsage);
  const SoundLibrary& library = sound_library();
  SF_INFO info = {};
  const std::unique_ptr<SNDFILE, int (*)(SNDFILE*)> sound(
      library.open_fd(file->descriptor(), SFM_READ, &info, SF_FALSE), library.close);
  const auto fail = [&](const std::string& what) { throw Error(ErrorCode::kUsage, what, path.string()); };
  if (!sound) fail(std::string("is not a sound file that can be read: ") + library.strerror(nullptr));
  if (info.channels != 1) fail("has " + std::to_string(info.channels) + " channels; make it one (mono)");
  if (sample_rate > 0 && info.samplerate != sample_rate) {
    fail("has a sample rate of " + std::to_string(info.samplerate) + " Hz where the test set says " +
         std::to_string(sample_rate));
  }
  Sound read{info.samplerate, {}};
  std::vector<float> block(kBlock);
  // The count in the header may lie: memory follows what is really there.
  for (;;) {
    const sf_count_t got = library.read_float(sound.get(), block.data(), static_cast<sf_count_t>(block.size()));
    if (got <= 0) break;
    read.samples.insert(read.samples.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(got));
    if (read.samples.size() > kMostSamples) fail("is longer than 2^31 samples");
  }
  return read;
}

}  // namespace vetquant
