#include "byte_level.h"

#include <array>

#include "vetquant/core/utf8.h"

namespace vetquant {
namespace {

constexpr uint32_t kCodes = 0x144;  // the alphabet ends before it

struct Alphabet {
  std::array<uint32_t, 256> code_of{};
  std::array<int16_t, kCodes> byte_of{};
};

// Printable Latin-1 stands for itself; the 68 other bytes are counted on from U+0100.
Alphabet make_alphabet() {
  Alphabet alphabet;
  alphabet.byte_of.fill(-1);
  uint32_t next = 0x100;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xFF && byte != 0xAD);
    const uint32_t code = printable ? byte : next++;
    alphabet.code_of[byte] = code;
    alphabet.byte_of[code] = static_cast<int16_t>(byte);
  }
  return alphabet;
}

const Alphabet& alphabet() {
  static const Alphabet made = make_alphabet();
  return made;
}

}  // namespace

std::string to_byte_alphabet(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) append_utf8(out, alphabet().code_of[static_cast<uint8_t>(c)]);
  return out;
}

std::optional<std::string> from_byte_alphabet(std::string_view written) {
  std::string out;
  for (size_t at = 0; at < written.size();) {
    const Utf8Step step = utf8_at(written, at);
    if (!step.valid || step.code >= kCodes || alphabet().byte_of[step.code] < 0) return std::nullopt;
    out += static_cast<char>(alphabet().byte_of[step.code]);
    at += step.bytes;
  }
  return out;
}

}  // namespace vetquant
