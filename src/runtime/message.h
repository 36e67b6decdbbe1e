// What judge and worker say to each other: a kind, then fields in a fixed order. Numbers are little-endian 8 bytes,
// strings and tensors' bytes have their length before them. Both ends are the same program, so there are no versions;
// but a crashing worker may send anything: reading checks every bound (Error{kGate}).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vetquant/runtime/memory.h"
#include "vetquant/runtime/session.h"
#include "vetquant/runtime/tensor.h"
#include "vetquant/runtime/worker.h"

namespace vetquant {

enum class MessageKind : uint64_t { kOpen = 1, kRun, kTimeAgain, kMemory, kOperators, kRunHeld, kAnswer = 100, kError };

class MessageWriter {
 public:
  explicit MessageWriter(MessageKind kind) { number(static_cast<uint64_t>(kind)); }
  void number(uint64_t value);
  void real(double value);
  void text(std::string_view value);
  void bytes(std::span<const std::byte> value);
  void names(const std::vector<std::string>& values);
  void tensors(std::span<const NamedTensor> values);
  void infos(const std::vector<TensorInfo>& values);
  void links(const std::vector<HeldRun::Link>& values);
  void memory(const MemoryUse& use);
  void options(const SessionOptions& options);
  void counts(const std::map<std::string, uint64_t>& counts);
  const std::vector<std::byte>& body() const { return body_; }

 private:
  void shape(const std::vector<int64_t>& dims);
  std::vector<std::byte> body_;
};

class MessageReader {
 public:
  explicit MessageReader(std::vector<std::byte> body) : body_(std::move(body)) {}
  MessageKind kind() { return static_cast<MessageKind>(number()); }
  uint64_t number();
  double real();
  std::string text();
  std::vector<std::byte> bytes();
  std::vector<std::string> names();
  std::vector<NamedTensor> tensors();
  std::vector<TensorInfo> infos();
  std::vector<HeldRun::Link> links();
  MemoryUse memory();
  SessionOptions options();
  std::map<std::string, uint64_t> counts();

 private:
  uint64_t count();  // of things that each take at least 8 bytes of what is left
  std::vector<int64_t> shape();
  std::vector<std::byte> body_;
  size_t position_ = 0;
};

}  // namespace vetquant
