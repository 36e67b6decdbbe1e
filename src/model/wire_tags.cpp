#include "wire_tags.h"

namespace vetquant {

WireTag read_tag(FileCursor& cursor, uint64_t end) {
  WireTag tag;
  tag.begin = cursor.position();
  const uint64_t value = cursor.varint(end);
  const uint64_t number = value >> 3;
  if (number == 0 || number > 0x1fffffff) {
    cursor.fail_at(tag.begin, "a field has the impossible number " + std::to_string(number) +
                                  "; the file is corrupt or no ONNX model");
  }
  tag.number = static_cast<uint32_t>(number);
  tag.type = static_cast<WireType>(value & 7);
  switch (tag.type) {
    case WireType::kVarint:
    case WireType::kFixed64:
    case WireType::kBytes:
    case WireType::kFixed32:
      return tag;
  }
  cursor.fail_at(tag.begin, "a field has the unknown wire type " + std::to_string(value & 7) +
                                "; the file is corrupt or no ONNX model");
}

uint64_t read_length(FileCursor& cursor, uint64_t end) {
  const uint64_t begin = cursor.position();
  const uint64_t length = cursor.varint(end);
  if (length > end - cursor.position()) {
    cursor.fail_at(begin, "a field of " + std::to_string(length) +
                              " bytes is longer than what is left of its message (" +
                              std::to_string(end - cursor.position()) + "); the file is cut off or corrupt");
  }
  return length;
}

void skip_field(FileCursor& cursor, const WireTag& tag, uint64_t end) {
  switch (tag.type) {
    case WireType::kVarint:
      cursor.varint(end);
      return;
    case WireType::kFixed64:
      cursor.fixed(8, end);
      return;
    case WireType::kFixed32:
      cursor.fixed(4, end);
      return;
    case WireType::kBytes: {
      const uint64_t length = read_length(cursor, end);
      cursor.seek(cursor.position() + length);
      return;
    }
  }
}

void copy_field(ScanContext& context, const WireTag& tag, uint64_t end, std::string& out) {
  FileCursor& cursor = context.cursor;
  uint64_t value_bytes = 0;
  append_tag(out, tag.number, tag.type);
  if (tag.type == WireType::kBytes) {
    value_bytes = read_length(cursor, end);
    append_varint(out, value_bytes);
  } else {
    const uint64_t begin = cursor.position();
    skip_field(cursor, tag, end);
    value_bytes = cursor.position() - begin;
    cursor.seek(begin);
  }
  context.charge(value_bytes + 10, limits::kFieldMemoryBytes + 3 * value_bytes);
  cursor.append_to(out, value_bytes, end);
}

void append_bytes(uint32_t number, std::string_view bytes, std::string& out) {
  append_tag(out, number, WireType::kBytes);
  append_varint(out, bytes.size());
  out += bytes;
}

void append_tensor_head(const std::vector<int64_t>& dims, int32_t type, std::string& out) {
  for (int64_t dim : dims) {
    append_tag(out, 1, WireType::kVarint);
    append_varint(out, static_cast<uint64_t>(dim));
  }
  append_tag(out, 2, WireType::kVarint);
  append_varint(out, static_cast<uint64_t>(static_cast<int64_t>(type)));
}

}  // namespace vetquant
