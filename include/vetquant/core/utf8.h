// UTF-8, one character at a time. Overlong forms, surrogates and numbers above U+10FFFF are not UTF-8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vetquant {

struct Utf8Step {
  uint32_t code = 0xFFFD;
  size_t bytes = 1;  // of the character, or of the longest part that could have begun one (Unicode 15, section 3.9)
  bool valid = false;
};

Utf8Step utf8_at(std::string_view text, size_t at);  // at < text.size()
void append_utf8(std::string& out, uint32_t code);

// The first byte that is not UTF-8; npos where all is.
size_t first_bad_utf8(std::string_view text);
std::string lossy_utf8(std::string_view bytes);  // U+FFFD for each broken sequence

}  // namespace vetquant
