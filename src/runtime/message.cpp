#include "message.h"

#include <bit>
#include <cstring>

#include "vetquant/core/error.h"

namespace vetquant {

static_assert(std::endian::native == std::endian::little);

void MessageWriter::number(uint64_t value) {
  const auto* begin = reinterpret_cast<const std::byte*>(&value);
  body_.insert(body_.end(), begin, begin + sizeof value);
}

void MessageWriter::real(double value) { number(std::bit_cast<uint64_t>(value)); }

void MessageWriter::text(std::string_view value) { bytes(std::as_bytes(std::span(value))); }

void MessageWriter::bytes(std::span<const std::byte> value) {
  number(value.size());
  body_.insert(body_.end(), value.begin(), value.end());
}

void MessageWriter::names(const std::vector<std::string>& values) {
  number(values.size());
  for (const auto& value : values) text(value);
}

void MessageWriter::links(const std::vector<HeldRun::Link>& values) {
  number(values.size());
  for (const auto& value : values) {
    text(value.own);
    text(value.held);
  }
}

void MessageWriter::shape(const std::vector<int64_t>& dims) {
  number(dims.size());
  for (const int64_t dim : dims) number(static_cast<uint64_t>(dim));
}

void MessageWriter::tensors(std::span<const NamedTensor> values) {
  number(values.size());
  for (const NamedTensor& value : values) {
    text(value.name);
    number(static_cast<uint64_t>(value.tensor.dtype));
    shape(value.tensor.shape);
    bytes(value.tensor.data);
  }
}

void MessageWriter::infos(const std::vector<TensorInfo>& values) {
  number(values.size());
  for (const TensorInfo& value : values) {
    text(value.name);
    number(static_cast<uint64_t>(value.dtype));
    shape(value.shape);
    names(value.symbols);
  }
}

void MessageWriter::memory(const MemoryUse& use) {
  number(use.anonymous_bytes);
  number(use.resident_bytes);
  number(use.peak_bytes);
}

void MessageWriter::options(const SessionOptions& options) {
  number(static_cast<uint64_t>(options.threads));
  number(static_cast<uint64_t>(options.optimization));
  number(options.config.size());
  for (const auto& [key, value] : options.config) {
    text(key);
    text(value);
  }
}

void MessageWriter::counts(const std::map<std::string, uint64_t>& counts) {
  number(counts.size());
  for (const auto& [name, times] : counts) {
    text(name);
    number(times);
  }
}

uint64_t MessageReader::number() {
  uint64_t value = 0;
  if (body_.size() - position_ < sizeof value)
    throw Error(ErrorCode::kGate, "the judged process sent a message that ends too early");
  std::memcpy(&value, body_.data() + position_, sizeof value);
  position_ += sizeof value;
  return value;
}

double MessageReader::real() { return std::bit_cast<double>(number()); }

std::vector<std::byte> MessageReader::bytes() {
  const uint64_t length = number();
  if (length > body_.size() - position_)
    throw Error(ErrorCode::kGate, "the judged process sent a message that ends too early");
  const auto begin = body_.begin() + static_cast<std::ptrdiff_t>(position_);
  position_ += length;
  return {begin, begin + static_cast<std::ptrdiff_t>(length)};
}

std::string MessageReader::text() {
  const auto raw = bytes();
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

uint64_t MessageReader::count() {
  const uint64_t things = number();
  if (things > (body_.size() - position_) / 8)
    throw Error(ErrorCode::kGate, "the judged process sent a message that ends too early");
  return things;
}

std::vector<std::string> MessageReader::names() {
  std::vector<std::string> values(count());
  for (auto& value : values) value = text();
  return values;
}

std::vector<HeldRun::Link> MessageReader::links() {
  std::vector<HeldRun::Link> values(count());
  for (auto& value : values) {
    value.own = text();
    value.held = text();
  }
  return values;
}

std::vector<int64_t> MessageReader::shape() {
  std::vector<int64_t> dims(count());
  for (auto& dim : dims) dim = static_cast<int64_t>(number());
  return dims;
}

std::vector<NamedTensor> MessageReader::tensors() {
  std::vector<NamedTensor> values(count());
  for (NamedTensor& value : values) {
    value.name = text();
    value.tensor.dtype = static_cast<DType>(static_cast<int32_t>(number()));
    value.tensor.shape = shape();
    value.tensor.data = bytes();
    check_tensor(value.tensor, value.name);
  }
  return values;
}

std::vector<TensorInfo> MessageReader::infos() {
  std::vector<TensorInfo> values(count());
  for (TensorInfo& value : values) {
    value.name = text();
    value.dtype = static_cast<DType>(static_cast<int32_t>(number()));
    value.shape = shape();
    value.symbols = names();
  }
  return values;
}

MemoryUse MessageReader::memory() {
  MemoryUse use;
  use.anonymous_bytes = number();
  use.resident_bytes = number();
  use.peak_bytes = number();
  return use;
}

SessionOptions MessageReader::options() {
  SessionOptions options;
  options.threads = static_cast<int>(number());
  options.optimization = static_cast<Optimization>(number());
  options.config.resize(count());
  for (auto& [key, value] : options.config) {
    key = text();
    value = text();
  }
  return options;
}

std::map<std::string, uint64_t> MessageReader::counts() {
  std::map<std::string, uint64_t> counts;
  for (uint64_t left = count(); left > 0; --left) {
    std::string name = text();
    counts[std::move(name)] = number();
  }
  return counts;
}

}  // namespace vetquant
