// A plug-in in a process of its own. What it is given and what it returns lie in memory that the two processes share;
// a crash is an Error of this one. The process is forked by load(): before the caller starts threads, and from a thread
// that lives as long as the plug-in is needed (the kernel ends the plug-in with it).
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "vetquant/plugin.h"

namespace vetquant {

// Message texts and names cross the process border in fixed room.
using PluginText = std::array<char, 512>;

struct PluginHello {   // the plug-in process: what it loaded
  int32_t failed = 0;  // then `text` says why
  uint32_t algorithms = 0;
  PluginText text{};  // the plug-in's own name
};

struct PluginCall {
  vetquant_quant_spec spec{};
  uint32_t algorithm = 0;
  int64_t groups = 0, length = 0;
};

struct PluginReply {
  int32_t failed = 0;
  PluginText text{};
};

// Where the buffers of a call lie. Behind each of them guard bytes tell whether it was overrun.
struct PluginLayout {
  static constexpr size_t kGuardBytes = 64;
  PluginLayout(int64_t groups, int64_t length);
  size_t values = 0, scale, zero_point, codes, end;  // byte offsets
  std::array<size_t, 4> guards;
};

class PluginProcess {
 public:
  static std::shared_ptr<PluginProcess> load(const std::string& path);
  ~PluginProcess();
  PluginProcess(const PluginProcess&) = delete;
  PluginProcess& operator=(const PluginProcess&) = delete;

  const std::string& path() const { return path_; }
  const std::vector<std::string>& algorithms() const { return algorithms_; }

  // One call; thread-safe, one at a time. The outputs are what the plug-in wrote, unchecked but for the guards.
  void call(const PluginCall& call, std::span<const float> values, std::span<float> scale, std::span<float> zero_point,
            std::span<uint8_t> codes);

 private:
  explicit PluginProcess(std::string path) : path_(std::move(path)) {}
  void start();
  void greet();
  std::string name(size_t algorithm) const;
  void receive(void* message, size_t bytes, const std::string& during);  // Error where the process ended instead
  void grow(size_t bytes);
  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void fail_ended(const std::string& during);

  std::string path_;
  std::vector<std::string> algorithms_;
  std::mutex mutex_;
  pid_t pid_ = -1;
  int socket_ = -1, memory_ = -1;
  std::byte* map_ = nullptr;
  size_t map_bytes_ = 0;
  std::string ended_;  // why it is gone
};

// The plug-in's side: loads it and serves calls until the other end of `socket` closes. Does not return.
[[noreturn]] void serve_plugin(const std::string& path, int socket, int memory);

}  // namespace vetquant
