#include "sound_library.h"

#include <dlfcn.h>

#include <string>

#include "vetquant/core/error.h"
#include "vetquant/core/text.h"

namespace vetquant {
namespace {

template <class Function>
void find(void* library, const char* name, const char* symbol, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, symbol));
  if (function == nullptr) {
    throw Error(ErrorCode::kUsage, std::string("has no ") + symbol + ", so it is no libsndfile that can read sounds",
                name);
  }
}

}  // namespace

SoundLibrary open_sound_library(const char* name) {
  void* handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* reason = dlerror();
    throw Error(ErrorCode::kUsage,
                "cannot be loaded, and sounds are read by it; install libsndfile (Debian: libsndfile1): " +
                    printable(reason != nullptr ? reason : "unknown reason", 300),
                name);
  }
  SoundLibrary library = {};
  find(handle, name, "sf_open_fd", library.open_fd);
  find(handle, name, "sf_read_float", library.read_float);
  find(handle, name, "sf_strerror", library.strerror);
  find(handle, name, "sf_close", library.close);
  return library;
}

const SoundLibrary& sound_library() {
  static const SoundLibrary library = open_sound_library(kSoundLibraryName);
  return library;
}

}  // namespace vetquant
