#pragma once

#include <sndfile.h>

#include <filesystem>
#include <stdexcept>
#include <vector>

namespace vetquant::test {

inline void write_sound(const std::filesystem::path& path, const std::vector<float>& samples, int rate, int channels,
                        int format = SF_FORMAT_WAV | SF_FORMAT_FLOAT) {
  SF_INFO info = {};
  info.samplerate = rate;
  info.channels = channels;
  info.format = format;
  SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
  if (!file) throw std::runtime_error("cannot write " + path.string());
  sf_write_float(file, samples.data(), static_cast<sf_count_t>(samples.size()));
  sf_close(file);
}

}  // namespace vetquant::test
