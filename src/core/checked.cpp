#include "vetquant/core/checked.h"

namespace vetquant {

std::optional<uint64_t> checked_add(uint64_t a, uint64_t b) {
  uint64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? std::nullopt : std::optional(sum);
}

std::optional<uint64_t> checked_mul(uint64_t a, uint64_t b) {
  uint64_t product;
  return __builtin_mul_overflow(a, b, &product) ? std::nullopt : std::optional(product);
}

std::optional<uint64_t> checked_elements(std::span<const int64_t> dims) {
  constexpr uint64_t kLimit = uint64_t{1} << 62;
  uint64_t product = 1;
  bool empty = false;
  for (int64_t dim : dims) {
    if (dim < 0) return std::nullopt;
    if (dim == 0) {
      empty = true;
      continue;
    }
    const auto next = checked_mul(product, static_cast<uint64_t>(dim));
    if (!next || *next > kLimit) return std::nullopt;
    product = *next;
  }
  return empty ? 0 : product;
}

}  // namespace vetquant
