#include "message.h"

namespace vetquant {

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
  number(options.observers);
}

void MessageWriter::counts(const std::map<std::string, uint64_t>& counts) {
  number(counts.size());
  for (const auto& [name, times] : counts) {
    text(name);
    number(times);
  }
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
  options.observers = number();
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
