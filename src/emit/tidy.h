// The clean-ups `identities` and `constants`: of the rewritten graph, whose results they leave equal to the bit.
#pragma once

#include <onnx/onnx_pb.h>

#include "vetquant/emit/emitted.h"

namespace vetquant {

// Readers of an Identity read what it reads, in inner scopes too. It stays where its result is an output of the scope, or
// where an inner scope has another value of that name.
void remove_identities(onnx::ModelProto& model, EmitLog& log);

// A Constant's tensor becomes an initializer of its graph. It stays in functions, as an output of a scope, where the
// value is no dense tensor, and up to IR version 3, where initializers would be inputs.
void turn_constants_to_initializers(onnx::ModelProto& model, EmitLog& log);

}  // namespace vetquant
