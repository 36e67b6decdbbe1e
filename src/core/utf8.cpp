#include "vetquant/core/utf8.h"

namespace vetquant {
namespace {

struct Lead {
  size_t bytes = 0;                 // 0: begins no character
  uint8_t low = 0x80, high = 0xBF;  // what may follow it
};

Lead lead_of(uint8_t byte) {
  if (byte < 0x80) return {1};
  if (byte < 0xC2) return {};
  if (byte < 0xE0) return {2};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {};
}

}  // namespace

Utf8Step utf8_at(std::string_view text, size_t at) {
  const auto first = static_cast<uint8_t>(text[at]);
  Lead lead = lead_of(first);
  if (lead.bytes == 1) return {first, 1, true};
  if (lead.bytes == 0) return {};
  uint32_t code = first & (0xFFU >> (lead.bytes + 1));
  for (size_t i = 1; i < lead.bytes; ++i) {
    const bool there = at + i < text.size();
    const auto next = there ? static_cast<uint8_t>(text[at + i]) : uint8_t{0};
    if (!there || next < lead.low || next > lead.high) return {0xFFFD, i, false};
    code = (code << 6) | (next & 0x3FU);
    lead.low = 0x80;
    lead.high = 0xBF;
  }
  return {code, lead.bytes, true};
}

void append_utf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

size_t first_bad_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_at(text, at);
    if (!step.valid) return at;
    at += step.bytes;
  }
  return std::string_view::npos;
}

std::string lossy_utf8(std::string_view bytes) {
  std::string out;
  for (size_t at = 0; at < bytes.size();) {
    const Utf8Step step = utf8_at(bytes, at);
    if (step.valid) {
      out.append(bytes, at, step.bytes);
    } else {
      append_utf8(out, 0xFFFD);
    }
    at += step.bytes;
  }
  return out;
}

}  // namespace vetquant
