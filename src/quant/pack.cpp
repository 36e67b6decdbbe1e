#include "vetquant/quant/pack.h"

#include "kernels.h"

namespace vetquant {

void pack_nibbles(std::span<const uint8_t> codes, std::span<uint8_t> packed) {
  const size_t pairs = codes.size() / 2;
  kernels::pack_nibbles(codes.data(), pairs, packed.data());
  if (codes.size() % 2 != 0) packed[pairs] = codes.back() & 0x0F;
}

void unpack_nibbles(std::span<const uint8_t> packed, std::span<uint8_t> codes) {
  const size_t pairs = codes.size() / 2;
  for (size_t i = 0; i < pairs; ++i) {  // a plain loop: compilers make vectors of it
    codes[2 * i] = packed[i] & 0x0F;
    codes[2 * i + 1] = packed[i] >> 4;
  }
  if (codes.size() % 2 != 0) codes.back() = packed[pairs] & 0x0F;
}

}  // namespace vetquant
