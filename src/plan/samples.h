// A few values of a weight, read while planning: the same positions in every run.
#pragma once

#include <vector>

#include "vetquant/model/tensor_view.h"

namespace vetquant::plan {

// `count` positions spread over the shape by a fixed hash; as coordinates.
std::vector<Shape> sample_positions(const Shape& shape, int count);
std::vector<float> sample_at(const TensorView& view, const std::vector<Shape>& positions);

// Holds infinities or numbers that stand for them: added to scores to switch some off.
bool looks_like_mask(const TensorView& view);

}  // namespace vetquant::plan
