// What judge and worker say to each other: a kind, then fields in a fixed order (core/byte_stream.h). Both ends are the
// same program, so there are no versions; but a crashing worker may send anything: reading checks every bound
// (Error{kGate}).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "vetquant/core/byte_stream.h"
#include "vetquant/runtime/memory.h"
#include "vetquant/runtime/session.h"
#include "vetquant/runtime/tensor.h"
#include "vetquant/runtime/worker.h"

namespace vetquant {

enum class MessageKind : uint64_t {
  kOpen = 1,
  kRun,
  kTimeAgain,
  kMemory,
  kOperators,
  kRunHeld,
  kSampleEnds,
  kObserved,
  kAnswer = 100,
  kError
};

class MessageWriter : public ByteWriter {
 public:
  explicit MessageWriter(MessageKind kind) { number(static_cast<uint64_t>(kind)); }
  void names(const std::vector<std::string>& values);
  void tensors(std::span<const NamedTensor> values);
  void infos(const std::vector<TensorInfo>& values);
  void links(const std::vector<HeldRun::Link>& values);
  void memory(const MemoryUse& use);
  void options(const SessionOptions& options);
  void counts(const std::map<std::string, uint64_t>& counts);

 private:
  void shape(const std::vector<int64_t>& dims);
};

class MessageReader : public ByteReader {
 public:
  explicit MessageReader(std::vector<std::byte> body)
      : ByteReader(std::move(body), ErrorCode::kGate, "the judged process sent a message that ends too early") {}
  MessageKind kind() { return static_cast<MessageKind>(number()); }
  std::vector<std::string> names();
  std::vector<NamedTensor> tensors();
  std::vector<TensorInfo> infos();
  std::vector<HeldRun::Link> links();
  MemoryUse memory();
  SessionOptions options();
  std::map<std::string, uint64_t> counts();

 private:
  std::vector<int64_t> shape();
};

}  // namespace vetquant
