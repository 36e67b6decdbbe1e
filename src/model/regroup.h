// Reshape without moving data: which dimensions of the old and of the new shape cover the same elements, and what a
// piece of the old shape is in the new one.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "vetquant/model/tensor_view.h"

namespace vetquant {

// Old dims [old_begin, old_end) and new dims [new_begin, new_end) have the same product, and no smaller group has.
struct DimGroup {
  size_t old_begin = 0, old_end = 0, new_begin = 0, new_end = 0;
};

// Shapes of equal, non-zero product.
std::vector<DimGroup> regroup(const Shape& old_shape, const Shape& new_shape);

// nullopt where the piece is no strided box in the new shape.
std::optional<Piece> reshape_piece(const Piece& piece, const Shape& old_shape, const Shape& new_shape,
                                   const std::vector<DimGroup>& groups);

}  // namespace vetquant
