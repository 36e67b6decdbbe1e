// Where the bytes of a tensor lie and how they are coded. Decoded, they are what raw_data would hold: little-endian
// elements in row-major order, sub-byte types packed low bits first.
//
// A payload in a file is a row of segments, for a typed field may come packed or not and in any number of parts:
//   raw_data, packed float_data, external data   fixed entries, one after the other
//   unpacked float_data                          fixed entries with a tag of one byte between them
//   packed or unpacked int32_data ...            varints; every 64 Ki entries a checkpoint says where one begins
// A payload may also be the floats of another one, each channel times a number of its own, computed as they are read.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vetquant/core/file.h"

namespace vetquant {

enum class Coding : uint8_t { kFixed, kVarint };

struct Segment {
  Coding coding = Coding::kFixed;
  uint32_t entry_bytes = 1;  // of one decoded entry
  uint32_t lead_bytes = 0;   // tag between two entries: 0 packed, 1 unpacked
  uint64_t position = 0;     // in the file, of the first entry
  uint64_t length = 0;       // in the file, to the end of the last entry
  uint64_t entries = 0;
  uint64_t decoded_begin = 0;         // decoded bytes of the payload before this segment
  std::vector<uint64_t> checkpoints;  // kVarint: positions of entries 64 Ki, 128 Ki, ...
  uint64_t decoded_bytes() const { return entries * entry_bytes; }
  bool operator==(const Segment&) const = default;
};

struct ChannelScaling {
  std::vector<double> by;  // [channels]
  uint64_t run = 1;        // consecutive elements of one channel
  bool operator==(const ChannelScaling&) const = default;
};

class PayloadSource {
 public:
  explicit PayloadSource(std::string bytes);
  PayloadSource(std::shared_ptr<const ReadFile> file, std::vector<Segment> segments);  // decoded_begin is filled in
  // Floats of `base`, element i times scaling.by[i / scaling.run % scaling.by.size()], rounded once.
  PayloadSource(std::shared_ptr<const PayloadSource> base, ChannelScaling scaling);

  uint64_t decoded_bytes() const { return decoded_bytes_; }
  uint64_t stored_bytes() const;

  // Decoded bytes [begin, begin + out.size()). Error{kIo} where the file changed. Thread-safe.
  void read(uint64_t begin, std::span<std::byte> out) const;

  bool in_memory() const { return file_ == nullptr && base_ == nullptr; }
  bool same_place(const PayloadSource& other) const;  // the same bytes of the same file, or equal bytes in memory

 private:
  void read_scaled(uint64_t begin, std::span<std::byte> out) const;

  std::string bytes_;
  std::shared_ptr<const PayloadSource> base_;
  ChannelScaling scaling_;
  std::shared_ptr<const ReadFile> file_;
  std::vector<Segment> segments_;
  uint64_t decoded_bytes_ = 0;
};

}  // namespace vetquant
