// Memory of this process as Linux counts it (/proc/self/status).
#pragma once

#include <cstdint>

namespace vetquant {

struct MemoryUse {
  uint64_t anonymous_bytes = 0;  // RssAnon: resident and its own, without mapped files
  uint64_t resident_bytes = 0;   // VmRSS
  uint64_t peak_bytes = 0;       // VmHWM: the most that was ever resident, mapped files included
};

MemoryUse memory_use();  // Error{kInternal} where /proc is not there

}  // namespace vetquant
