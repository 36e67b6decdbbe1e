#include "plugin_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>

#include "vetquant/core/error.h"
#include "vetquant/core/interrupt.h"
#include "vetquant/core/text.h"

namespace vetquant {
namespace {

constexpr std::byte kGuard{0xA5};

size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

std::string text_from(const PluginText& text) {
  return printable(std::string_view(text.data(), ::strnlen(text.data(), text.size())), 300);
}

}  // namespace

PluginLayout::PluginLayout(int64_t groups, int64_t length) {
  const size_t g = static_cast<size_t>(groups), n = g * static_cast<size_t>(length);
  guards[0] = values + n * sizeof(float);
  scale = aligned(guards[0] + kGuardBytes);
  guards[1] = scale + g * sizeof(float);
  zero_point = aligned(guards[1] + kGuardBytes);
  guards[2] = zero_point + g * sizeof(float);
  codes = aligned(guards[2] + kGuardBytes);
  guards[3] = codes + n;
  end = guards[3] + kGuardBytes;
}

std::shared_ptr<PluginProcess> PluginProcess::load(const std::string& path) {
  // dlopen looks for a bare name in the system's folders; a plug-in is named by path.
  std::shared_ptr<PluginProcess> process(new PluginProcess(std::filesystem::absolute(path).string()));
  process->start();
  process->greet();
  return process;
}

void PluginProcess::fail(const std::string& what) const {
  throw Error(ErrorCode::kUnsupported, what, "plug-in " + path_);
}

void PluginProcess::start() {
  int ends[2];
  memory_ = ::memfd_create("vetquant-plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  // Sealed, so that nothing the plug-in does can take pages away from this process.
  if (memory_ < 0 || ::fcntl(memory_, F_ADD_SEALS, F_SEAL_SHRINK) != 0 ||
      ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    fail(std::string("no process for it: ") + std::strerror(errno));
  }
  socket_ = ends[0];
  std::fflush(nullptr);  // or a plug-in that calls exit() writes our pending output again
  pid_ = ::fork();
  if (pid_ == 0) serve_plugin(path_, ends[1], memory_);
  const int error = errno;
  ::close(ends[1]);
  if (pid_ < 0) fail(std::string("no process for it: ") + std::strerror(error));
}

void PluginProcess::greet() {
  const std::string during = "while it was loaded";
  PluginHello hello;
  receive(&hello, sizeof hello, during);
  if (hello.failed != 0) fail(text_from(hello.text));
  for (uint32_t i = 0; i < hello.algorithms; ++i) {
    PluginText name;
    receive(&name, sizeof name, during);
    algorithms_.push_back(text_from(name));
  }
}

PluginProcess::~PluginProcess() {
  if (map_ != nullptr) ::munmap(map_, map_bytes_);
  if (socket_ >= 0) ::close(socket_);
  if (memory_ >= 0) ::close(memory_);
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

void PluginProcess::receive(void* message, size_t bytes, const std::string& during) {
  for (;;) {
    interrupt::check();
    pollfd waiting = {socket_, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, 100);  // ms; a plug-in that hangs must not hold up ^C
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    const ssize_t got = ::recv(socket_, message, bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got != static_cast<ssize_t>(bytes)) fail_ended(during);
    return;
  }
}

void PluginProcess::fail_ended(const std::string& during) {
  int status = 0;
  ::kill(pid_, SIGKILL);  // it may only have closed its end; a crash keeps its own status
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  ended_ = WIFSIGNALED(status)
               ? std::string("crashed ") + during + ": " + ::strsignal(WTERMSIG(status))
               : "ended its process " + during + " (exit status " + std::to_string(WEXITSTATUS(status)) + ")";
  fail(ended_);
}

void PluginProcess::grow(size_t bytes) {
  if (bytes <= map_bytes_) return;
  if (map_ != nullptr) ::munmap(map_, map_bytes_);
  map_ = nullptr;
  map_bytes_ = 0;
  // Allocated now: a page that memory lacks later would be a SIGBUS.
  const int error = ::posix_fallocate(memory_, 0, static_cast<off_t>(bytes));
  void* map = error != 0 ? MAP_FAILED : ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory_, 0);
  if (map == MAP_FAILED) fail("no memory to share with it: " + std::string(std::strerror(error != 0 ? error : errno)));
  map_ = static_cast<std::byte*>(map);
  map_bytes_ = bytes;
}

void PluginProcess::call(const PluginCall& call, std::span<const float> values, std::span<float> scale,
                         std::span<float> zero_point, std::span<uint8_t> codes) {
  const std::lock_guard lock(mutex_);
  const std::string during = "in algorithm '" + algorithms_[call.algorithm] + "'";
  if (!ended_.empty()) fail(ended_);
  const PluginLayout layout(call.groups, call.length);
  grow(layout.end);
  // What is not written is found as nonsense: scales that are NaN, 4-bit codes out of range.
  std::memcpy(map_ + layout.values, values.data(), values.size_bytes());
  const float unwritten = std::numeric_limits<float>::quiet_NaN();
  std::fill_n(reinterpret_cast<float*>(map_ + layout.scale), scale.size(), unwritten);
  std::fill_n(reinterpret_cast<float*>(map_ + layout.zero_point), zero_point.size(), unwritten);
  std::fill_n(map_ + layout.codes, codes.size(), std::byte{0xEE});
  for (const size_t guard : layout.guards) std::fill_n(map_ + guard, PluginLayout::kGuardBytes, kGuard);

  ended_ = "did not answer an earlier call, which was interrupted";
  ssize_t sent;
  do sent = ::send(socket_, &call, sizeof call, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  PluginReply reply;
  receive(&reply, sizeof reply, during);  // also tells when the process is gone
  ended_.clear();
  if (reply.failed != 0) {
    const std::string text = text_from(reply.text);
    fail("algorithm '" + algorithms_[call.algorithm] + "' failed: " + (text.empty() ? "it does not say why" : text));
  }
  for (const size_t guard : layout.guards) {
    if (std::any_of(map_ + guard, map_ + guard + PluginLayout::kGuardBytes, [](std::byte b) { return b != kGuard; })) {
      fail("wrote beyond the end of a buffer " + during);
    }
  }
  std::memcpy(scale.data(), map_ + layout.scale, scale.size_bytes());
  std::memcpy(zero_point.data(), map_ + layout.zero_point, zero_point.size_bytes());
  std::memcpy(codes.data(), map_ + layout.codes, codes.size_bytes());
}

}  // namespace vetquant
