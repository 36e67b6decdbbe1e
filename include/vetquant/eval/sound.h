// Sound files by libsndfile: WAV, FLAC, Ogg Vorbis and Opus, one channel.
#pragma once

#include <filesystem>
#include <vector>

namespace vetquant {

struct Sound {
  int sample_rate = 0;
  std::vector<float> samples;  // -1 .. 1
};

// `sample_rate` 0 takes any. Error{kUsage}: another rate, several channels, not a sound file, longer than 2^31 samples.
Sound read_sound(const std::filesystem::path& path, int sample_rate);

}  // namespace vetquant
