// The protobuf wire format (protobuf.dev "Encoding"), read from a file or memory with every length checked. Used by the
// loader to find payloads, and by the writer to put them back: it walks the serialized skeleton and widens the lengths
// of the messages around a marked tensor.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace vetquant {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct WireField {
  uint32_t number = 0;
  WireType type = WireType::kVarint;
  uint64_t varint = 0;             // value of kVarint, kFixed32, kFixed64
  size_t begin = 0;                // of the tag, in the buffer
  size_t payload = 0, length = 0;  // of kBytes
};

// Iterates the fields of one message in memory. Error{kBadModel} on anything malformed; groups are refused.
class WireReader {
 public:
  WireReader(std::span<const uint8_t> buffer, size_t begin, size_t end);
  bool next(WireField& field);

 private:
  std::span<const uint8_t> buffer_;
  size_t position_, end_;
};

size_t varint_size(uint64_t value);
void append_varint(std::string& out, uint64_t value);
void append_tag(std::string& out, uint32_t number, WireType type);

}  // namespace vetquant
