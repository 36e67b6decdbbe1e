#include "vetquant/model/wire.h"

#include "vetquant/core/error.h"

namespace vetquant {

namespace {

[[noreturn]] void fail(size_t position, const std::string& what) {
  throw Error(ErrorCode::kBadModel, what, "message byte " + std::to_string(position));
}

uint64_t read_varint(std::span<const uint8_t> buffer, size_t& position, size_t end) {
  const size_t begin = position;
  uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    if (position >= end) fail(begin, "the message ends in the middle of a number");
    const uint8_t bits = buffer[position++];
    if (shift == 63 && bits > 1) break;
    value |= static_cast<uint64_t>(bits & 0x7f) << shift;
    if ((bits & 0x80) == 0) return value;
  }
  fail(begin, "a number is longer than 64 bits");
}

uint64_t read_fixed(std::span<const uint8_t> buffer, size_t& position, size_t end, size_t bytes) {
  if (end - position < bytes) fail(position, "the message ends in the middle of a number");
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value |= static_cast<uint64_t>(buffer[position + i]) << (8 * i);
  position += bytes;
  return value;
}

}  // namespace

WireReader::WireReader(std::span<const uint8_t> buffer, size_t begin, size_t end)
    : buffer_(buffer), position_(begin), end_(end) {
  if (begin > end || end > buffer.size()) throw Error(ErrorCode::kInternal, "a message lies outside its buffer");
}

bool WireReader::next(WireField& field) {
  if (position_ == end_) return false;
  field = {};
  field.begin = position_;
  const uint64_t tag = read_varint(buffer_, position_, end_);
  const uint64_t number = tag >> 3;
  if (number == 0 || number > 0x1fffffff)
    fail(field.begin, "a field has the impossible number " + std::to_string(number));
  field.number = static_cast<uint32_t>(number);
  switch (tag & 7) {
    case 0:
      field.varint = read_varint(buffer_, position_, end_);
      break;
    case 1:
      field.type = WireType::kFixed64;
      field.varint = read_fixed(buffer_, position_, end_, 8);
      break;
    case 2: {
      field.type = WireType::kBytes;
      const uint64_t length = read_varint(buffer_, position_, end_);
      if (length > end_ - position_) fail(field.begin, "a field is longer than its message");
      field.payload = position_;
      field.length = static_cast<size_t>(length);
      position_ += field.length;
      break;
    }
    case 5:
      field.type = WireType::kFixed32;
      field.varint = read_fixed(buffer_, position_, end_, 4);
      break;
    default:
      fail(field.begin, "a field has the unknown wire type " + std::to_string(tag & 7));
  }
  return true;
}

size_t varint_size(uint64_t value) {
  size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>((value & 0x7f) | 0x80));
  out.push_back(static_cast<char>(value));
}

void append_tag(std::string& out, uint32_t number, WireType type) {
  append_varint(out, (static_cast<uint64_t>(number) << 3) | static_cast<uint64_t>(type));
}

}  // namespace vetquant
