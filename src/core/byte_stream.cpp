#include "vetquant/core/byte_stream.h"

#include <bit>
#include <cstring>

namespace vetquant {

static_assert(std::endian::native == std::endian::little);

void ByteWriter::number(uint64_t value) {
  const auto* begin = reinterpret_cast<const std::byte*>(&value);
  body_.insert(body_.end(), begin, begin + sizeof value);
}

void ByteWriter::real(double value) { number(std::bit_cast<uint64_t>(value)); }

void ByteWriter::text(std::string_view value) { bytes(std::as_bytes(std::span(value))); }

void ByteWriter::bytes(std::span<const std::byte> value) {
  number(value.size());
  body_.insert(body_.end(), value.begin(), value.end());
}

uint64_t ByteReader::number() {
  uint64_t value = 0;
  if (body_.size() - position_ < sizeof value) fail();
  std::memcpy(&value, body_.data() + position_, sizeof value);
  position_ += sizeof value;
  return value;
}

double ByteReader::real() { return std::bit_cast<double>(number()); }

std::vector<std::byte> ByteReader::bytes() {
  const uint64_t length = number();
  if (length > body_.size() - position_) fail();
  const auto begin = body_.begin() + static_cast<std::ptrdiff_t>(position_);
  position_ += length;
  return {begin, begin + static_cast<std::ptrdiff_t>(length)};
}

std::string ByteReader::text() {
  const auto raw = bytes();
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

uint64_t ByteReader::count() {
  const uint64_t things = number();
  if (things > (body_.size() - position_) / 8) fail();
  return things;
}

}  // namespace vetquant
