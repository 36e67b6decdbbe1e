// One function for each output form. A form either replaces the node it is planned for, or gives the node its weight as
// a value (storage forms): then the node itself stays.
#pragma once

#include <string>

#include "context.h"

namespace vetquant {

// Storage forms: the value that stands for `tensor`, in the tensor's own scope, in its source's type.
std::string fold_at_load_value(EmitContext& context, const PlannedTensor& tensor);
std::string dequantize_value(EmitContext& context, const PlannedTensor& tensor);
std::string half_storage_value(EmitContext& context, const PlannedTensor& tensor);

// Forms that replace the node.
void emit_dynamic_integer(EmitContext& context, const PlannedNode& node);
void emit_matmul_nbits(EmitContext& context, const PlannedNode& node);
void emit_gather_block(EmitContext& context, const PlannedNode& node);
void emit_gather_rows(EmitContext& context, const PlannedNode& node);
void emit_dynamic_lstm(EmitContext& context, const PlannedNode& node);

// Activations, biases and the Relu and Clip that the codes stand for, after every other form but kHalfCompute.
void emit_activations(EmitContext& context);
// All nodes of form kHalfCompute at once, after every other form.
void emit_half_compute(EmitContext& context);

}  // namespace vetquant
