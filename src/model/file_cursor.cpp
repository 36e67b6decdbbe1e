#include "file_cursor.h"

#include <algorithm>

#include "vetquant/core/error.h"

namespace vetquant {

namespace {

constexpr uint64_t kBufferBytes = 16 * 1024;

}  // namespace

FileCursor::FileCursor(std::shared_ptr<const ReadFile> file) : file_(std::move(file)) {
  buffer_.resize(std::min(kBufferBytes, std::max<uint64_t>(file_->size_bytes(), 1)));
}

void FileCursor::fail_at(uint64_t position, const std::string& what) const {
  throw Error(ErrorCode::kBadModel, what, file_->path().string() + ": byte " + std::to_string(position));
}

void FileCursor::fill() {
  const uint64_t bytes = std::min<uint64_t>(buffer_.size(), file_->size_bytes() - position_);
  file_->read(position_, std::span(buffer_).first(bytes));
  buffer_begin_ = position_;
  buffer_end_ = position_ + bytes;
}

uint8_t FileCursor::byte(uint64_t end) {
  if (position_ >= end) fail("the message ends in the middle of a field; the file is cut off or corrupt");
  if (position_ < buffer_begin_ || position_ >= buffer_end_) fill();
  return static_cast<uint8_t>(buffer_[position_++ - buffer_begin_]);
}

uint64_t FileCursor::varint(uint64_t end) {
  const uint64_t begin = position_;
  uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    const uint8_t bits = byte(end);
    if (shift == 63 && bits > 1) break;
    value |= static_cast<uint64_t>(bits & 0x7f) << shift;
    if ((bits & 0x80) == 0) return value;
  }
  fail_at(begin, "a number is longer than 64 bits; the file is corrupt or no ONNX model");
}

uint64_t FileCursor::fixed(int bytes, uint64_t end) {
  uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value |= static_cast<uint64_t>(byte(end)) << (8 * i);
  return value;
}

void FileCursor::append_to(std::string& out, uint64_t bytes, uint64_t end) {
  if (position_ > end || bytes > end - position_)
    fail("a field is longer than its message; the file is cut off or corrupt");
  const size_t before = out.size();
  out.resize(before + bytes);
  const auto target = std::as_writable_bytes(std::span(out)).subspan(before);
  if (position_ >= buffer_begin_ && position_ + bytes <= buffer_end_) {
    std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(position_ - buffer_begin_), bytes, target.begin());
  } else if (bytes >= buffer_.size()) {
    file_->read(position_, target);
  } else {
    fill();
    std::copy_n(buffer_.begin(), bytes, target.begin());
  }
  position_ += bytes;
}

}  // namespace vetquant
