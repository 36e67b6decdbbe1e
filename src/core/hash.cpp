#include "vetquant/core/hash.h"

#include <xxhash.h>

#include <algorithm>
#include <vector>

#include "hash_avx2.h"
#include "vetquant/core/interrupt.h"

namespace vetquant {

struct Hasher::State {
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> xxh{XXH3_createState()};
};

Hasher::Hasher() : state_(std::make_unique<State>()) { XXH3_128bits_reset(state_->xxh.get()); }
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;

void Hasher::update(std::span<const std::byte> data) {
  static const bool avx2 = has_xxh3_avx2();
  if (avx2) return xxh3_update_avx2(state_->xxh.get(), data.data(), data.size());
  XXH3_128bits_update(state_->xxh.get(), data.data(), data.size());
}

void Hasher::update(std::string_view text) { update(std::as_bytes(std::span(text))); }

std::string Hasher::hex() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_->xxh.get()));
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : canonical.digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string digest_of(std::string_view text) {
  Hasher hasher;
  hasher.update(text);
  return hasher.hex();
}

std::string digest_of(const ReadFile& file) {
  constexpr uint64_t kTileBytes = 256u << 10;  // stays in the cache between reading and hashing
  Hasher hasher;
  std::vector<std::byte> tile(std::min(kTileBytes, file.size_bytes()));
  for (uint64_t at = 0; at < file.size_bytes(); at += tile.size()) {
    interrupt::check();
    const std::span part = std::span(tile).first(std::min<uint64_t>(tile.size(), file.size_bytes() - at));
    file.read(at, part);
    hasher.update(part);
  }
  return hasher.hex();
}

}  // namespace vetquant
