// The alphabet of byte-level BPE: each byte is written as one printable character (GPT-2's bytes_to_unicode).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vetquant {

std::string to_byte_alphabet(std::string_view bytes);
// nullopt where a character is none of the alphabet's.
std::optional<std::string> from_byte_alphabet(std::string_view written);

}  // namespace vetquant
