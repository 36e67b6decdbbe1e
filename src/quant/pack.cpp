#include "vetquant/quant/pack.h"

namespace vetquant {

void pack_nibbles(std::span<const uint8_t> codes, std::span<uint8_t> packed) {
  const size_t pairs = codes.size() / 2;
  for (size_t i = 0; i < pairs; ++i) {
    packed[i] = static_cast<uint8_t>((codes[2 * i] & 0x0F) | (codes[2 * i + 1] << 4));
  }
  if (codes.size() % 2 != 0) packed[pairs] = codes.back() & 0x0F;
}

void unpack_nibbles(std::span<const uint8_t> packed, std::span<uint8_t> codes) {
  for (size_t i = 0; i < codes.size(); ++i) {
    codes[i] = i % 2 == 0 ? packed[i / 2] & 0x0F : packed[i / 2] >> 4;
  }
}

}  // namespace vetquant
