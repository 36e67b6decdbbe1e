// One TensorProto of the file: what it says, checked, and the TensorProto of the skeleton that stands for it.
#pragma once

#include <cstdint>
#include <string>

#include "scan_context.h"

namespace vetquant {

// Reads the TensorProto in [cursor.position(), end) and appends its skeleton to `out`: normalised to raw_data up to
// kInlineLimitBytes, a mark above that (its payload is added to the context), untouched where the type is unknown.
void scan_tensor(ScanContext& context, uint64_t end, std::string& out);

// Appends the fields of a marked tensor: dims, type, location, mark.
void append_marked_tensor(ScanContext& context, const std::vector<int64_t>& dims, int32_t type,
                          std::shared_ptr<const PayloadSource> payload, std::string& out);

}  // namespace vetquant
