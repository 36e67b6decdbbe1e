// A regular file, read by position from many threads. Never mapped: a file that shrinks while it is read is an error
// (kIo, "changed while it was read"), not a SIGBUS.
//
// open() accepts regular files only: a FIFO, a device or a folder is Error{code given by the caller}; it never blocks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "vetquant/core/error.h"

namespace vetquant {

struct FileIdentity {  // to see that a file was replaced or rewritten while we worked
  uint64_t device = 0, inode = 0, size_bytes = 0;
  int64_t modified_ns = 0;
  bool operator==(const FileIdentity&) const = default;
};

enum class FollowLinks { kYes, kNo };  // kNo: refuse a symbolic link as last component (external data)

class ReadFile {
 public:
  static std::shared_ptr<const ReadFile> open(const std::filesystem::path& path, ErrorCode not_regular,
                                              FollowLinks links = FollowLinks::kYes);
  ~ReadFile();
  ReadFile(const ReadFile&) = delete;
  ReadFile& operator=(const ReadFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  uint64_t size_bytes() const { return identity_.size_bytes; }
  const FileIdentity& identity() const { return identity_; }
  int descriptor() const { return descriptor_; }  // for copy_file_range

  // Fills `out` from `offset_bytes`; a short read is Error{kIo}. Thread-safe.
  void read(uint64_t offset_bytes, std::span<std::byte> out) const;

  // Error{kIo} where size, inode or modification time differ from when the file was opened.
  void check_unchanged() const;

 private:
  ReadFile(std::filesystem::path path, int descriptor, FileIdentity identity);
  std::filesystem::path path_;
  int descriptor_;
  FileIdentity identity_;
};

}  // namespace vetquant
