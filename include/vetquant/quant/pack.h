// Two 4-bit codes a byte, low nibble first (ONNX TensorProto int4/uint4, MatMulNBits, GatherBlockQuantized).
#pragma once

#include <cstdint>
#include <span>

namespace vetquant {

// codes: one a byte (low nibble counts). packed has ceil(codes/2) bytes; a missing last high nibble is 0.
void pack_nibbles(std::span<const uint8_t> codes, std::span<uint8_t> packed);
void unpack_nibbles(std::span<const uint8_t> packed, std::span<uint8_t> codes);  // zero-extended

}  // namespace vetquant
