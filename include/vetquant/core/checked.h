// Arithmetic on numbers that come from a hostile file: overflow is an answer, never a wrapped value.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace vetquant {

std::optional<uint64_t> checked_add(uint64_t a, uint64_t b);
std::optional<uint64_t> checked_mul(uint64_t a, uint64_t b);

// Product of dims; nullopt where a dim is negative or the product is above 2^62. An empty shape has 1 element.
std::optional<uint64_t> checked_elements(std::span<const int64_t> dims);

}  // namespace vetquant
