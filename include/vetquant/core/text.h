// Small text helpers that every room needs: globs, nearest known word, sizes for people.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vetquant {

// Glob over '/'-separated addresses: `*` any run without '/', `**` any run with '/', `?` one character but '/',
// `[abc]`, `[!a-z]`. Everything else is literal. A leading "**/" also matches nothing ("**/fc1" matches "fc1").
// Linear time in pattern x text (no backtracking explosion).
bool glob_matches(std::string_view pattern, std::string_view text);

// The known word with the least edit distance (at most a third of its length), or empty.
std::string nearest_word(std::string_view word, std::span<const std::string_view> known);
std::string nearest_word(std::string_view word, const std::vector<std::string>& known);

std::string human_bytes(uint64_t bytes);                    // "314.2 MB" (decimal)
std::string percent(double share);                          // "25.4 %"
std::string counted(size_t count, const std::string& one);  // "1 node", "2 nodes"
std::string printable(std::string_view text,
                      size_t limit = 200);  // escapes control characters and what is no UTF-8, shortens in the middle

}  // namespace vetquant
