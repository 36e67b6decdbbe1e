// The part of the ZIP format that .npz uses (APPNOTE 6.3.10): members stored or deflated, zip64 sizes, no encryption.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "vetquant/core/file.h"

namespace vetquant {

struct ZipMember {
  std::string name;
  uint16_t method = 0;  // 0 stored, 8 deflated
  uint32_t crc = 0;
  uint64_t packed_bytes = 0, bytes = 0;
  uint64_t header_offset = 0;
};

class ZipReader {
 public:
  explicit ZipReader(std::shared_ptr<const ReadFile> file);  // Error{kUsage} for anything malformed
  const std::vector<ZipMember>& members() const { return members_; }
  std::vector<std::byte> read(const ZipMember& member) const;

 private:
  [[noreturn]] void fail(const std::string& what) const;
  std::vector<std::byte> bytes_at(uint64_t offset, uint64_t count) const;
  void find_directory(uint64_t& offset, uint64_t& count, uint64_t& bytes) const;
  std::shared_ptr<const ReadFile> file_;
  std::vector<ZipMember> members_;
};

}  // namespace vetquant
