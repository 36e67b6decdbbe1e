// Bytes of what will be stored: codes, scales, zero points, as the forms lay them out.
#pragma once

#include "vetquant/plan/plan.h"

namespace vetquant::plan {

// Codes + scale + zero point of a tensor of this (stored) shape.
uint64_t stored_bytes(Form form, const Shape& shape, const QuantSpec& spec, const ScaleLayout& layout);

// What the view occupies in its files now.
uint64_t source_bytes(const TensorView& view);

}  // namespace vetquant::plan
