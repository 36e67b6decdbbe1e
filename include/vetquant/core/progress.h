// How long work tells how far it is. Library code never prints: the command line passes a sink.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace vetquant {

struct Progress {
  std::string_view stage;  // "quantize", "write", "judge"
  uint64_t done = 0, total = 0;
  std::string_view unit;  // "B", "samples"
};

using ProgressSink = std::function<void(const Progress&)>;  // called from one thread at a time; may be empty

}  // namespace vetquant
