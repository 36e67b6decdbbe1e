// XXH3-128 digests, printed as 32 hexadecimal digits in xxhsum's (canonical, big-endian) order: `xxhsum -H2 FILE` agrees.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "vetquant/core/file.h"

namespace vetquant {

class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  void update(std::span<const std::byte> data);
  void update(std::string_view text);
  std::string hex() const;  // of all so far

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string digest_of(std::string_view text);
std::string digest_of(const ReadFile& file);  // the whole file, read by tile

}  // namespace vetquant
