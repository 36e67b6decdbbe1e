#include "vetquant/runtime/memory.h"

#include <fstream>
#include <sstream>
#include <string>

#include "vetquant/core/error.h"

namespace vetquant {

MemoryUse memory_use() {
  std::ifstream status("/proc/self/status");
  MemoryUse use;
  std::string line;
  while (std::getline(status, line)) {
    std::istringstream words(line);
    std::string key;
    uint64_t kibibytes = 0;
    if (!(words >> key >> kibibytes)) continue;
    if (key == "RssAnon:") use.anonymous_bytes = kibibytes * 1024;
    if (key == "VmRSS:") use.resident_bytes = kibibytes * 1024;
    if (key == "VmHWM:") use.peak_bytes = kibibytes * 1024;
  }
  if (use.resident_bytes == 0)
    throw Error(ErrorCode::kInternal, "tells no memory use; is /proc mounted?", "/proc/self/status");
  return use;
}

}  // namespace vetquant
