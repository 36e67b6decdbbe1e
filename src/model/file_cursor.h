// Reads a file forwards through a small buffer, never beyond a given end; skipping costs nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vetquant/core/file.h"

namespace vetquant {

class FileCursor {
 public:
  explicit FileCursor(std::shared_ptr<const ReadFile> file);

  const ReadFile& file() const { return *file_; }
  const std::shared_ptr<const ReadFile>& shared_file() const { return file_; }
  uint64_t position() const { return position_; }
  void seek(uint64_t position) { position_ = position; }

  // Each takes the position at which the enclosing message ends; Error{kBadModel} where the value would cross it.
  uint64_t varint(uint64_t end);
  uint64_t fixed(int bytes, uint64_t end);
  void append_to(std::string& out, uint64_t bytes, uint64_t end);

  [[noreturn]] void fail(const std::string& what) const { fail_at(position_, what); }
  [[noreturn]] void fail_at(uint64_t position, const std::string& what) const;

 private:
  uint8_t byte(uint64_t end);
  void fill();

  std::shared_ptr<const ReadFile> file_;
  std::vector<std::byte> buffer_;
  uint64_t buffer_begin_ = 0, buffer_end_ = 0;  // in the file
  uint64_t position_ = 0;
};

}  // namespace vetquant
