#include "vetquant/core/output_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>

#include "vetquant/core/error.h"
#include "vetquant/core/interrupt.h"

namespace vetquant {
namespace {

constexpr std::string_view kInfix = ".vetquant-", kSuffix = ".tmp";

// When a process began, in clock ticks since boot (/proc/PID/stat, field 22): tells it from a later one with its number.
std::string start_time(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return "0";
  std::istringstream rest(text.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) rest >> field;
  return field.empty() ? "0" : field;
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.parent_path().empty() ? std::filesystem::path(".") : path.parent_path();
}

std::filesystem::path temporary_name(const std::filesystem::path& path) {
  static std::atomic<unsigned> counter{0};  // names differ within the process, nothing else hangs on it
  // A name may be as long as the file system allows: the temporary one must not be longer.
  const std::string stem = path.filename().string().substr(0, 150);
  return folder_of(path) / ("." + stem + std::string(kInfix) + std::to_string(::getpid()) + "-" +
                            start_time(::getpid()) + "-" + std::to_string(counter++) + std::string(kSuffix));
}

// Held by whoever writes it: a process of another container or machine, say.
bool is_locked(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return true;  // nothing that we wrote
  const bool locked = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(descriptor);
  return locked;
}

[[noreturn]] void fail(const std::string& what, const std::filesystem::path& path, int error, uint64_t bytes = 0) {
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    throw Error(ErrorCode::kIo, "disk full or file size limit reached; " + std::to_string(bytes) + " bytes are needed",
                path.string());
  }
  throw Error(ErrorCode::kIo, what + ": " + std::strerror(error), path.string());
}

[[noreturn]] void fail_exists(const std::filesystem::path& path) {
  throw Error(ErrorCode::kIo, "exists already; --overwrite replaces it", path.string());
}

}  // namespace

int FileOps::create(const std::string& path) {
  return ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
}
int FileOps::allocate(int descriptor, uint64_t size_bytes) {
  if (size_bytes == 0) return 0;
  const int error = ::posix_fallocate(descriptor, 0, static_cast<off_t>(size_bytes));
  if (error == 0) return 0;
  errno = error;
  if (error != EOPNOTSUPP && error != EINVAL) return -1;
  return ::ftruncate(descriptor, static_cast<off_t>(size_bytes));
}
int64_t FileOps::write_at(int descriptor, const void* data, uint64_t bytes, uint64_t offset_bytes) {
  return ::pwrite(descriptor, data, bytes, static_cast<off_t>(offset_bytes));
}
void FileOps::write_behind(int descriptor, uint64_t offset_bytes, uint64_t bytes) {
  ::sync_file_range(descriptor, static_cast<off_t>(offset_bytes), static_cast<off_t>(bytes), SYNC_FILE_RANGE_WRITE);
}
// In pieces, so that ^C does not wait for a slow disk to take in gigabytes.
int FileOps::sync(int descriptor) {
  constexpr off_t kPiece = 16 << 20;
  struct stat info = {};
  if (::fstat(descriptor, &info) != 0) return -1;
  for (off_t at = 0; at < info.st_size; at += kPiece) {
    if (interrupt::requested()) {
      errno = EINTR;
      return -1;
    }
    // What does not work here, or fails to write, is told by fdatasync.
    ::sync_file_range(descriptor, at, kPiece,
                      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
  }
  return ::fdatasync(descriptor);
}
int FileOps::link(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return 0;
  if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS) return -1;
  return ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE);  // no hard links here
}
int FileOps::rename(const std::string& from, const std::string& to) { return ::rename(from.c_str(), to.c_str()); }
int FileOps::remove(const std::string& path) { return ::unlink(path.c_str()); }
int FileOps::sync_folder(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return -1;
  const int result = ::fsync(descriptor);
  ::close(descriptor);
  return result;
}

FileOps& FileOps::system() {
  static FileOps ops;
  return ops;
}

void check_output_is_free(const std::filesystem::path& path, Replace replace) {
  std::error_code ignored;
  const auto status = std::filesystem::symlink_status(path, ignored);
  if (!std::filesystem::exists(status)) return;
  if (std::filesystem::is_directory(path, ignored))
    throw Error(ErrorCode::kIo, "is a folder; name a file", path.string());
  if (replace == Replace::kNo) fail_exists(path);
}

std::unique_ptr<OutputFile> OutputFile::create(const std::filesystem::path& path, uint64_t size_bytes, Replace replace,
                                               FileOps& ops) {
  check_output_is_free(path, replace);
  const std::filesystem::path temporary = temporary_name(path);
  interrupt::hold();
  const int descriptor = ops.create(temporary.string());
  if (descriptor < 0) fail("cannot be written", path, errno, size_bytes);
  ::flock(descriptor, LOCK_EX | LOCK_NB);  // says that it lives, to processes that cannot see this one's number
  std::unique_ptr<OutputFile> file(new OutputFile(path, temporary, descriptor, size_bytes, replace, ops));
  if (ops.allocate(descriptor, size_bytes) != 0) fail("cannot be written", path, errno, size_bytes);
  return file;
}

OutputFile::OutputFile(std::filesystem::path path, std::filesystem::path temporary, int descriptor, uint64_t size_bytes,
                       Replace replace, FileOps& ops)
    : path_(std::move(path)),
      temporary_path_(std::move(temporary)),
      descriptor_(descriptor),
      size_bytes_(size_bytes),
      replace_(replace),
      ops_(ops) {}

OutputFile::~OutputFile() {
  ::close(descriptor_);
  if (!committed_) ops_.remove(temporary_path_.string());
}

void OutputFile::write(uint64_t offset_bytes, std::span<const std::byte> data) {
  while (!data.empty()) {
    const int64_t wrote = ops_.write_at(descriptor_, data.data(), data.size(), offset_bytes);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) fail("cannot be written", path_, errno, size_bytes_);
    if (wrote == 0) fail("cannot be written", path_, ENOSPC, size_bytes_);
    offset_bytes += static_cast<uint64_t>(wrote);
    data = data.subspan(static_cast<size_t>(wrote));
  }
}

void OutputFile::read(uint64_t offset_bytes, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset_bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail("cannot be read back", path_, got == 0 ? EIO : errno);
    offset_bytes += static_cast<uint64_t>(got);
    out = out.subspan(static_cast<size_t>(got));
  }
}

void OutputFile::write_behind(uint64_t offset_bytes, uint64_t bytes) {
  ops_.write_behind(descriptor_, offset_bytes, bytes);
}

void OutputFile::sync() {
  if (ops_.sync(descriptor_) == 0) return;
  const int error = errno;
  if (error == EINTR) interrupt::check();
  fail("cannot be synced to disk", path_, error, size_bytes_);
}

void OutputFile::retarget(const std::filesystem::path& path) {
  if (folder_of(path) != folder_of(path_))
    throw Error(ErrorCode::kInternal, "an output changes its folder", path.string());
  path_ = path;
}

void OutputFile::commit() {
  sync();
  if (replace_ == Replace::kYes) {
    if (ops_.rename(temporary_path_.string(), path_.string()) != 0)
      fail("cannot be put into place", path_, errno, size_bytes_);
    committed_ = true;
  } else {
    if (ops_.link(temporary_path_.string(), path_.string()) != 0) {
      if (errno == EEXIST) fail_exists(path_);
      fail("cannot be put into place", path_, errno, size_bytes_);
    }
    committed_ = true;
    ops_.remove(temporary_path_.string());
  }
  if (ops_.sync_folder(folder_of(path_).string()) != 0)
    fail("is in place, but its folder cannot be synced to disk", path_, errno);
}

void write_whole_file(const std::filesystem::path& path, const std::string& text, Replace replace, FileOps& ops) {
  auto file = OutputFile::create(path, text.size(), replace, ops);
  file->write(0, std::as_bytes(std::span(text)));
  file->commit();
}

int remove_stale_temporaries(const std::filesystem::path& folder) {
  int removed = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    const size_t infix = name.rfind(kInfix);
    if (!name.starts_with('.') || !name.ends_with(kSuffix) || infix == std::string::npos) continue;
    const std::string middle = name.substr(infix + kInfix.size());
    const size_t dash = middle.find('-'), end = middle.find('-', dash == std::string::npos ? dash : dash + 1);
    pid_t pid = 0;
    const auto parsed = std::from_chars(middle.data(), middle.data() + std::min(dash, middle.size()), pid);
    if (dash == std::string::npos || end == std::string::npos || parsed.ec != std::errc() || pid <= 0) continue;
    const bool alive =
        (::kill(pid, 0) == 0 || errno == EPERM) && start_time(pid) == middle.substr(dash + 1, end - dash - 1);
    if (!alive && !is_locked(entry.path()) && ::unlink(entry.path().c_str()) == 0) ++removed;
  }
  return removed;
}

}  // namespace vetquant
