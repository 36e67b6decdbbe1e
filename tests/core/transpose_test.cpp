#include "vetquant/core/transpose.h"

#include <gtest/gtest.h>

#include <vector>

namespace vetquant {
namespace {

// Every size around the four rows, four columns and sixteen rows that the kernel works in, with strides wider than the
// matrix; what lies between rows of the result stays as it was.
TEST(Transpose, MovesEveryElementAndNothingElse) {
  for (size_t rows : {1, 3, 4, 5, 15, 16, 17, 35}) {
    for (size_t columns : {1, 2, 4, 7, 8, 33}) {
      const size_t from_stride = columns + 3, to_stride = rows + 2;
      std::vector<float> from(rows * from_stride), to(columns * to_stride, -1.0f);
      for (size_t i = 0; i < from.size(); ++i) from[i] = static_cast<float>(i);
      transpose(from.data(), static_cast<ptrdiff_t>(from_stride), to.data(), static_cast<ptrdiff_t>(to_stride), rows,
                columns);
      for (size_t c = 0; c < columns; ++c) {
        for (size_t r = 0; r < to_stride; ++r) {
          const float expected = r < rows ? static_cast<float>(r * from_stride + c) : -1.0f;
          ASSERT_EQ(to[c * to_stride + r], expected) << rows << "x" << columns << " at " << r << "," << c;
        }
      }
    }
  }
}

}  // namespace
}  // namespace vetquant
