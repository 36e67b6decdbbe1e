#include "chunks.h"

#include <limits>

#include "load_limits.h"

namespace vetquant {

namespace {

// The values that a varint may have for an element type, as protobuf's int64 (uint64 for the unsigned fields).
bool fits(uint64_t varint, DType type) {
  const auto value = static_cast<int64_t>(varint);
  switch (type) {
    case DType::kBool:
      return varint <= 1;
    case DType::kInt8:
      return value >= -128 && value <= 127;
    case DType::kInt16:
      return value >= -32768 && value <= 32767;
    case DType::kUint8:
    case DType::kFloat8E4M3FN:
    case DType::kFloat8E4M3FNUZ:
    case DType::kFloat8E5M2:
    case DType::kFloat8E5M2FNUZ:
    case DType::kFloat8E8M0:
      return varint <= 0xff;
    case DType::kUint16:
    case DType::kFloat16:
    case DType::kBfloat16:
      return varint <= 0xffff;
    case DType::kInt32:
      return value >= std::numeric_limits<int32_t>::min() && value <= std::numeric_limits<uint32_t>::max();
    case DType::kUint32:
      return varint <= 0xffffffff;
    case DType::kInt64:
    case DType::kUint64:
      return true;
    default:  // packed sub-byte types: one byte, written signed or unsigned
      return value >= -128 && value <= 255;
  }
}

Segment varint_segment(const Chunk& chunk, uint32_t entry_bytes, DType type, FileCursor& cursor) {
  Segment segment{Coding::kVarint, entry_bytes, chunk.lead_bytes, chunk.position, chunk.length, 0, 0, {}};
  const uint64_t end = chunk.position + chunk.length;
  cursor.seek(chunk.position);
  while (cursor.position() < end) {
    const uint64_t begin = cursor.position();
    if (segment.entries > 0 && segment.entries % limits::kCheckpointEntries == 0) segment.checkpoints.push_back(begin);
    const uint64_t value = cursor.varint(end);
    if (!fits(value, type)) {
      cursor.fail_at(begin, "the value " + std::to_string(static_cast<int64_t>(value)) + " is no " +
                                std::string(name_of(type)) + "; the file is corrupt");
    }
    ++segment.entries;
    if (cursor.position() < end) cursor.seek(cursor.position() + chunk.lead_bytes);
  }
  return segment;
}

}  // namespace

void ChunkList::add_packed(uint32_t field, uint64_t position, uint64_t length) {
  chunks_.push_back({field, 0, position, length, 0});
}

bool ChunkList::add_entry(uint32_t field, uint64_t tag_begin, uint64_t value_begin, uint64_t value_end) {
  if (!chunks_.empty()) {
    Chunk& last = chunks_.back();
    if (last.lead_bytes == 1 && last.field == field && last.position + last.length == tag_begin &&
        value_begin - tag_begin == 1) {
      last.length = value_end - last.position;
      ++last.entries;
      return false;
    }
  }
  chunks_.push_back({field, 1, value_begin, value_end - value_begin, 1});
  return true;
}

std::vector<Segment> segments_of(const ChunkList& list, Coding coding, uint32_t entry_bytes, DType type,
                                 FileCursor& cursor) {
  std::vector<Segment> segments;
  for (const Chunk& chunk : list.chunks()) {
    if (coding == Coding::kVarint) {
      segments.push_back(varint_segment(chunk, entry_bytes, type, cursor));
    } else if (chunk.lead_bytes == 1) {
      segments.push_back({Coding::kFixed, entry_bytes, 1, chunk.position, chunk.length, chunk.entries, 0, {}});
    } else {
      if (chunk.length % entry_bytes != 0) {
        cursor.fail_at(chunk.position, "a field of " + std::to_string(chunk.length) +
                                           " bytes holds no whole number of values of " + std::to_string(entry_bytes) +
                                           " bytes; the file is corrupt");
      }
      segments.push_back(
          {Coding::kFixed, entry_bytes, 0, chunk.position, chunk.length, chunk.length / entry_bytes, 0, {}});
    }
  }
  std::erase_if(segments, [](const Segment& segment) { return segment.entries == 0; });
  return segments;
}

}  // namespace vetquant
