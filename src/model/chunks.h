// The parts of a repeated number field as they are met in the file, and the segments that they become once the
// element type is known.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "file_cursor.h"
#include "payload.h"
#include "vetquant/core/dtype.h"

namespace vetquant {

struct Chunk {
  uint32_t field = 0;
  uint32_t lead_bytes = 0;  // 0 packed, 1 unpacked
  uint64_t position = 0, length = 0;
  uint64_t entries = 0;  // of unpacked ones; packed varints must be counted
};

class ChunkList {
 public:
  void add_packed(uint32_t field, uint64_t position, uint64_t length);
  // One unpacked entry; joins the one before it where nothing but its tag lies between. True: a new chunk was begun.
  bool add_entry(uint32_t field, uint64_t tag_begin, uint64_t value_begin, uint64_t value_end);
  const std::vector<Chunk>& chunks() const { return chunks_; }
  bool empty() const { return chunks_.empty(); }

 private:
  std::vector<Chunk> chunks_;
};

// Segments for chunks of one field: fixed entries of `entry_bytes`, or varints whose decoded entries take that many and
// must be values of `type`. Error{kBadModel} at the offending byte.
std::vector<Segment> segments_of(const ChunkList& list, Coding coding, uint32_t entry_bytes, DType type,
                                 FileCursor& cursor);

}  // namespace vetquant
