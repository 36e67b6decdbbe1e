// What the scanners of one load share.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "external_files.h"
#include "file_cursor.h"
#include "load_limits.h"
#include "payload.h"

namespace vetquant {

struct ScanContext {
  FileCursor cursor;
  ExternalFiles external;
  std::vector<std::shared_ptr<const PayloadSource>> payloads;
  uint64_t skeleton_bytes = 0, skeleton_memory_bytes = 0;

  explicit ScanContext(const std::shared_ptr<const ReadFile>& file) : cursor(file), external(file) {}

  // Error{kBadModel} where the skeleton becomes larger than any real one.
  void charge(uint64_t bytes, uint64_t memory_bytes) {
    skeleton_bytes += bytes;
    skeleton_memory_bytes += memory_bytes;
    if (skeleton_bytes > limits::kSkeletonBytes || skeleton_memory_bytes > limits::kSkeletonMemoryBytes) {
      cursor.fail("the graph without its tensors is beyond the limit of 1 GiB (4 GiB in memory)");
    }
  }
};

}  // namespace vetquant
