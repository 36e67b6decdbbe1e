// libsndfile, opened when the first sound is read: with the codecs that it brings it would be seven libraries more to
// load for every command, and most read no sound.
//
// Error{kUsage} where it is not installed.
#pragma once

#include <sndfile.h>

namespace vetquant {

struct SoundLibrary {
  decltype(&sf_open_fd) open_fd;
  decltype(&sf_read_float) read_float;
  decltype(&sf_strerror) strerror;
  decltype(&sf_close) close;
};

inline constexpr const char* kSoundLibraryName = "libsndfile.so.1";

SoundLibrary open_sound_library(const char* name);  // looked up as the dynamic loader does; stays open
const SoundLibrary& sound_library();                // kSoundLibraryName, opened once

}  // namespace vetquant
