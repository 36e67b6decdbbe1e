#include "channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "vetquant/core/interrupt.h"

namespace vetquant {
namespace {

constexpr uint64_t kLongestFrame = uint64_t{1}
                                   << 36;       // a worker gone mad shall not make the judge allocate without end
constexpr size_t kGrowBytes = size_t{1} << 24;  // memory follows what has arrived, not what was announced

bool try_again(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

struct Channel::Deadline {
  explicit Deadline(std::chrono::milliseconds timeout)
      : none(timeout.count() == 0), end(std::chrono::steady_clock::now() + timeout) {}
  bool passed() const { return !none && std::chrono::steady_clock::now() >= end; }
  bool none;
  std::chrono::steady_clock::time_point end;
};

Channel::~Channel() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Channel::Channel(Channel&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Channel::Outcome Channel::wait(short events, const Deadline& deadline) const {
  constexpr int kSliceMs = 100;
  for (;;) {
    interrupt::check();
    if (deadline.passed()) return Outcome::kTimedOut;
    pollfd entry{descriptor_, events, 0};
    const int ready = ::poll(&entry, 1, kSliceMs);
    if (ready > 0) return Outcome::kDone;
    if (ready < 0 && errno != EINTR) return Outcome::kClosed;
  }
}

Channel::Outcome Channel::send_all(const std::byte* data, size_t bytes, const Deadline& deadline) {
  while (bytes > 0) {
    const ssize_t sent = ::send(descriptor_, data, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      data += sent;
      bytes -= static_cast<size_t>(sent);
    } else if (sent < 0 && !try_again(errno)) {
      return Outcome::kClosed;
    } else if (const Outcome outcome = wait(POLLOUT, deadline); outcome != Outcome::kDone) {
      return outcome;
    }
  }
  return Outcome::kDone;
}

Channel::Outcome Channel::receive_all(std::byte* data, size_t bytes, const Deadline& deadline) {
  while (bytes > 0) {
    const ssize_t got = ::recv(descriptor_, data, bytes, MSG_DONTWAIT);
    if (got > 0) {
      data += got;
      bytes -= static_cast<size_t>(got);
    } else if (got == 0 || !try_again(errno)) {
      return Outcome::kClosed;
    } else if (const Outcome outcome = wait(POLLIN, deadline); outcome != Outcome::kDone) {
      return outcome;
    }
  }
  return Outcome::kDone;
}

Channel::Outcome Channel::send(const std::vector<std::byte>& body, std::chrono::milliseconds timeout) {
  const Deadline deadline(timeout);
  const uint64_t length = body.size();
  std::byte head[sizeof length];
  std::memcpy(head, &length, sizeof length);
  const Outcome outcome = send_all(head, sizeof head, deadline);
  return outcome == Outcome::kDone ? send_all(body.data(), body.size(), deadline) : outcome;
}

Channel::Outcome Channel::receive(std::vector<std::byte>& body, std::chrono::milliseconds timeout) {
  const Deadline deadline(timeout);
  uint64_t length = 0;
  std::byte head[sizeof length];
  Outcome outcome = receive_all(head, sizeof head, deadline);
  if (outcome != Outcome::kDone) return outcome;
  std::memcpy(&length, head, sizeof length);
  if (length > kLongestFrame) return Outcome::kClosed;
  body.clear();
  while (body.size() < length) {
    const size_t begin = body.size();
    const size_t part = std::min<uint64_t>(length - begin, kGrowBytes);
    body.resize(begin + part);
    outcome = receive_all(body.data() + begin, part, deadline);
    if (outcome != Outcome::kDone) return outcome;
  }
  return Outcome::kDone;
}

}  // namespace vetquant
