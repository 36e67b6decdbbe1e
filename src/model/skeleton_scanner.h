// Walks a model file once and makes the serialized skeleton: the same ModelProto, its large tensors only marks.
#pragma once

#include <string>

#include "scan_context.h"

namespace vetquant {

// Fills context.payloads. Error{kBadModel} at the byte where the file is malformed or beyond a limit.
std::string scan_skeleton(ScanContext& context);

}  // namespace vetquant
