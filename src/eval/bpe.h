// Byte pair encoding of one word: the pair with the lowest rank is joined first, the leftmost of equal ones.
// O(n log n) in the word's length: a heap of pairs over a linked list.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace vetquant {

struct Merge {
  uint32_t rank = 0, joined = 0;
};

struct Bpe {
  std::unordered_map<std::string, uint32_t> ids;  // by the bytes that a token stands for
  std::unordered_map<uint64_t, Merge> merges;     // by left << 32 | right
  std::optional<uint32_t> unknown;                // for bytes without a token; without it they are left out
  bool fuse_unknown = false;                      // neighbours become one
  bool whole_words_first = false;                 // a word that is a token is not taken apart ("ignore_merges")

  void encode(std::string_view word, std::vector<uint32_t>& out) const;
};

}  // namespace vetquant
