// Codes in the tensor's own shape with scales that broadcast over them: the layout that plain arithmetic wants.
//
// Blocks show as an axis of their own: a weight [N, K] in blocks of B is stored as codes [N, K/B, B] and scales [N, K/B, 1].
#pragma once

#include "context.h"

namespace vetquant {

// 4-bit codes lie as nibbles of uint8 [ceil(n/2), 1], signed ones with an offset of 8; see unpack_nibbles.
// Error{kUnsupported} at `tensor` where a block does not divide its axis.
CodesLayout broadcast_layout(const PlannedTensor& tensor);

// The shape with blocks as an axis; the tensor's own where there are none.
Shape blocked_shape(const PlannedTensor& tensor);

// `tensor.spec` needs Sub before Mul.
bool has_zero_point(const QuantSpec& spec);

// Codes as float in blocked_shape(tensor), zero point taken off; not yet scaled.
std::string centred_codes(NodeWriter& writer, const PlannedTensor& tensor, const StoredCodes& stored);

// Nibbles of uint8 [ceil(count/2), 1], low first, as float in `shape`: arithmetic that every opset has.
std::string unpack_nibbles(NodeWriter& writer, const std::string& packed, int64_t count, const Shape& shape);

}  // namespace vetquant
