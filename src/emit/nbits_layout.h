// The layout of MatMulNBits, in which a table can also be looked up: codes uint8 [N, blocks, block * bits / 8], scales
// [N, blocks], from a view [N, K] in blocks along K. Signed codes are stored with an offset of 8 or 128, which is also the
// zero point where none is stored. Rows are padded to whole blocks.
#pragma once

#include "context.h"

namespace vetquant {

// Error{kInternal} where the plan's tensor is no matrix in blocks along its second axis.
CodesLayout nbits_layout(const PlannedTensor& tensor);

int64_t blocks_in_row(const PlannedTensor& tensor);
// A zero point must be stored: it is not the one that contrib operators assume.
bool stores_zero_point(const PlannedTensor& tensor);
// Error{kUnsupported}: a block that is no power of two from 16, float zero points of other codes than uint4.
void check_nbits(const EmitContext& context, const PlannedTensor& tensor, NodeId node);

}  // namespace vetquant
