// Frames over a stream socket: 8 bytes of length, then the body. One end each for judge and worker.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace vetquant {

class Channel {
 public:
  explicit Channel(int descriptor) : descriptor_(descriptor) {}  // owns it
  ~Channel();
  Channel(Channel&& other) noexcept;
  Channel& operator=(Channel&&) = delete;

  enum class Outcome { kDone, kClosed, kTimedOut };

  // A zero timeout waits for ever. Both look at interrupt::requested() several times a second: Error{kInterrupted}.
  Outcome send(const std::vector<std::byte>& body, std::chrono::milliseconds timeout);
  Outcome receive(std::vector<std::byte>& body, std::chrono::milliseconds timeout);

 private:
  struct Deadline;
  Outcome wait(short events, const Deadline& deadline) const;
  Outcome send_all(const std::byte* data, size_t bytes, const Deadline& deadline);
  Outcome receive_all(std::byte* data, size_t bytes, const Deadline& deadline);
  int descriptor_;
};

}  // namespace vetquant
