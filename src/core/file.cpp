#include "vetquant/core/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace vetquant {
namespace {

FileIdentity identity_of(const struct stat& info) {
  return {static_cast<uint64_t>(info.st_dev), static_cast<uint64_t>(info.st_ino), static_cast<uint64_t>(info.st_size),
          static_cast<int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec};
}

}  // namespace

std::shared_ptr<const ReadFile> ReadFile::open(const std::filesystem::path& path, ErrorCode not_regular,
                                               FollowLinks links) {
  // O_NONBLOCK: opening a FIFO must not wait for its writer.
  const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (links == FollowLinks::kNo ? O_NOFOLLOW : 0);
  const int descriptor = ::open(path.c_str(), flags);
  if (descriptor < 0) {
    if (errno == ELOOP) throw Error(not_regular, "is a symbolic link, which is not followed here", path.string());
    if (errno == ENXIO || errno == ENODEV)
      throw Error(not_regular, "is not a regular file", path.string());  // socket, device
    throw Error(ErrorCode::kIo, std::string("cannot be opened: ") + std::strerror(errno), path.string());
  }
  struct stat info = {};
  const bool known = ::fstat(descriptor, &info) == 0;
  if (!known || !S_ISREG(info.st_mode)) {
    ::close(descriptor);
    throw Error(not_regular, "is not a regular file", path.string());
  }
  return std::shared_ptr<const ReadFile>(new ReadFile(path, descriptor, identity_of(info)));
}

ReadFile::ReadFile(std::filesystem::path path, int descriptor, FileIdentity identity)
    : path_(std::move(path)), descriptor_(descriptor), identity_(identity) {}

ReadFile::~ReadFile() { ::close(descriptor_); }

void ReadFile::read(uint64_t offset_bytes, std::span<std::byte> out) const {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got =
        ::pread(descriptor_, out.data() + done, out.size() - done, static_cast<off_t>(offset_bytes + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(ErrorCode::kIo, std::string("cannot be read: ") + std::strerror(errno), path_.string());
    if (got == 0)
      throw Error(ErrorCode::kIo, "changed while it was read: it ended at byte " + std::to_string(offset_bytes + done),
                  path_.string());
    done += static_cast<size_t>(got);
  }
}

void ReadFile::check_unchanged() const {
  struct stat info = {};
  if (::fstat(descriptor_, &info) != 0 || identity_of(info) != identity_) {
    throw Error(ErrorCode::kIo, "changed while it was read; run again when nothing writes to it", path_.string());
  }
}

}  // namespace vetquant
