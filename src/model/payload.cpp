#include "payload.h"

#include <algorithm>
#include <cstring>

#include "file_cursor.h"
#include "load_limits.h"
#include "vetquant/core/error.h"

namespace vetquant {

namespace {

void store_entry(uint64_t value, uint32_t bytes, std::byte* out) {
  for (uint32_t i = 0; i < bytes; ++i) out[i] = static_cast<std::byte>(value >> (8 * i));
}

// Entries [first, first + count) of a segment whose entries are fixed and have a tag between them.
void read_tagged(const ReadFile& file, const Segment& segment, uint64_t first, uint64_t count, std::byte* out) {
  const uint64_t step = segment.entry_bytes + segment.lead_bytes;
  std::vector<std::byte> buffer(std::min<uint64_t>(count, 4096) * step);
  for (uint64_t done = 0; done < count;) {
    const uint64_t now = std::min<uint64_t>(count - done, 4096);
    file.read(segment.position + (first + done) * step, std::span(buffer).first(now * step - segment.lead_bytes));
    for (uint64_t i = 0; i < now; ++i) {
      std::memcpy(out + (done + i) * segment.entry_bytes, buffer.data() + i * step, segment.entry_bytes);
    }
    done += now;
  }
}

void read_varints(const std::shared_ptr<const ReadFile>& file, const Segment& segment, uint64_t first, uint64_t count,
                  std::byte* out) {
  FileCursor cursor(file);
  const uint64_t end = segment.position + segment.length;
  const uint64_t checkpoint = first / limits::kCheckpointEntries;
  cursor.seek(checkpoint == 0 ? segment.position : segment.checkpoints[checkpoint - 1]);
  try {
    for (uint64_t entry = checkpoint * limits::kCheckpointEntries; entry < first + count; ++entry) {
      const uint64_t value = cursor.varint(end);
      if (entry >= first) store_entry(value, segment.entry_bytes, out + (entry - first) * segment.entry_bytes);
      if (entry + 1 < segment.entries) cursor.seek(cursor.position() + segment.lead_bytes);
    }
  } catch (const Error& error) {  // it was well-formed when the model was loaded
    if (error.code() != ErrorCode::kBadModel) throw;
    throw Error(ErrorCode::kIo, "changed while it was read: " + error.message(), error.where());
  }
}

}  // namespace

PayloadSource::PayloadSource(std::string bytes) : bytes_(std::move(bytes)), decoded_bytes_(bytes_.size()) {}

PayloadSource::PayloadSource(std::shared_ptr<const ReadFile> file, std::vector<Segment> segments)
    : file_(std::move(file)), segments_(std::move(segments)) {
  for (auto& segment : segments_) {
    segment.decoded_begin = decoded_bytes_;
    decoded_bytes_ += segment.decoded_bytes();
  }
}

PayloadSource::PayloadSource(std::shared_ptr<const PayloadSource> base, ChannelScaling scaling)
    : base_(std::move(base)), scaling_(std::move(scaling)), decoded_bytes_(base_->decoded_bytes()) {}

uint64_t PayloadSource::stored_bytes() const {
  if (base_ != nullptr) return base_->stored_bytes();
  if (in_memory()) return bytes_.size();
  uint64_t sum = 0;
  for (const auto& segment : segments_) sum += segment.length;
  return sum;
}

bool PayloadSource::same_place(const PayloadSource& other) const {
  if (this == &other) return true;
  if (base_ != nullptr || other.base_ != nullptr) {
    return base_ != nullptr && other.base_ != nullptr && scaling_ == other.scaling_ && base_->same_place(*other.base_);
  }
  if (in_memory() || other.in_memory()) return in_memory() && other.in_memory() && bytes_ == other.bytes_;
  return file_->identity() == other.file_->identity() && segments_ == other.segments_;
}

void PayloadSource::read(uint64_t begin, std::span<std::byte> out) const {
  if (begin > decoded_bytes_ || out.size() > decoded_bytes_ - begin) {
    throw Error(ErrorCode::kInternal, "a read of " + std::to_string(out.size()) + " bytes at " + std::to_string(begin) +
                                          " crosses the end of a tensor of " + std::to_string(decoded_bytes_) +
                                          " bytes");
  }
  if (out.empty()) return;
  if (base_ != nullptr) return read_scaled(begin, out);
  if (in_memory()) {
    std::memcpy(out.data(), bytes_.data() + begin, out.size());
    return;
  }
  auto segment = std::upper_bound(segments_.begin(), segments_.end(), begin,
                                  [](uint64_t position, const Segment& s) { return position < s.decoded_begin; }) -
                 1;
  for (; !out.empty(); ++segment) {
    const uint64_t skip = begin - segment->decoded_begin;
    const uint64_t now = std::min<uint64_t>(out.size(), segment->decoded_bytes() - skip);
    if (now == 0) continue;
    if (segment->coding == Coding::kFixed && segment->lead_bytes == 0) {
      file_->read(segment->position + skip, out.first(now));
    } else {
      // Only whole entries can be decoded; a caller may ask for half of one (a complex number's imaginary part).
      const uint64_t first = skip / segment->entry_bytes;
      const uint64_t count = (skip + now + segment->entry_bytes - 1) / segment->entry_bytes - first;
      std::vector<std::byte> ragged;
      const bool whole = skip % segment->entry_bytes == 0 && count * segment->entry_bytes == now;
      if (!whole) ragged.resize(count * segment->entry_bytes);
      std::byte* target = whole ? out.data() : ragged.data();
      if (segment->coding == Coding::kFixed) {
        read_tagged(*file_, *segment, first, count, target);
      } else {
        read_varints(file_, *segment, first, count, target);
      }
      if (!whole) std::memcpy(out.data(), ragged.data() + (skip - first * segment->entry_bytes), now);
    }
    begin += now;
    out = out.subspan(now);
  }
}

void PayloadSource::read_scaled(uint64_t begin, std::span<std::byte> out) const {
  const uint64_t first = begin / sizeof(float), end = (begin + out.size() + sizeof(float) - 1) / sizeof(float);
  std::vector<float> values(end - first);
  base_->read(first * sizeof(float), std::as_writable_bytes(std::span(values)));
  for (uint64_t i = 0; i < values.size(); ++i) {
    const double by = scaling_.by[(first + i) / scaling_.run % scaling_.by.size()];
    values[i] = static_cast<float>(double{values[i]} * by);
  }
  std::memcpy(out.data(), reinterpret_cast<const std::byte*>(values.data()) + (begin - first * sizeof(float)),
              out.size());
}

}  // namespace vetquant
