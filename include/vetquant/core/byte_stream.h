// Fields in a fixed order: numbers are little-endian 8 bytes, texts and bytes have their length before them. Readers check
// every bound, for what they read may be anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vetquant/core/error.h"

namespace vetquant {

class ByteWriter {
 public:
  void number(uint64_t value);
  void real(double value);
  void text(std::string_view value);
  void bytes(std::span<const std::byte> value);
  const std::vector<std::byte>& body() const { return body_; }

 private:
  std::vector<std::byte> body_;
};

class ByteReader {
 public:
  // Where the body ends too early: Error{code, words}.
  ByteReader(std::vector<std::byte> body, ErrorCode code, std::string words)
      : body_(std::move(body)), code_(code), words_(std::move(words)) {}
  uint64_t number();
  double real();
  std::string text();
  std::vector<std::byte> bytes();
  uint64_t count();  // of things that each take at least 8 bytes of what is left
  bool at_end() const { return position_ == body_.size(); }

 private:
  [[noreturn]] void fail() const { throw Error(code_, words_); }
  std::vector<std::byte> body_;
  size_t position_ = 0;
  ErrorCode code_;
  std::string words_;
};

}  // namespace vetquant
