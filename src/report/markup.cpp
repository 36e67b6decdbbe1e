#include "markup.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace vetquant {
namespace {

struct CodePoint {
  uint32_t value = 0;
  size_t bytes = 0;  // 0: no UTF-8 here
};

// Strict: no overlong forms, no surrogates, nothing above U+10FFFF.
CodePoint decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return {};
  uint32_t value = lead & (0xFFU >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3FU);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kLeast[bytes] || surrogate || value > 0x10FFFF) return {};
  return {value, bytes};
}

bool turns_direction(uint32_t c) {
  return c == 0x61C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

bool is_control(uint32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029; }

std::string hexadecimal(const char* format, uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

std::string visible(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = decode(text.substr(at));
    const bool no_xml = (c.value & 0xFFFE) == 0xFFFE;  // U+FFFE, U+FFFF and their like on other planes
    if (c.bytes == 0) {
      out += hexadecimal("\\x%02x", static_cast<unsigned char>(text[at]));
    } else if (c.value == '\n' || c.value == '\t' || c.value == '\r') {
      out += ' ';
    } else if (c.value < 0x80 && is_control(c.value)) {
      out += hexadecimal("\\x%02x", c.value);
    } else if (is_control(c.value) || turns_direction(c.value) || no_xml) {
      out += hexadecimal("\\u%04x", c.value);
    } else {
      out += text.substr(at, c.bytes);
    }
    at += std::max<size_t>(c.bytes, 1);
  }
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : visible(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string markdown_code(std::string_view text) {
  std::string shown = visible(text);
  size_t longest = 0, run = 0;
  for (const char c : shown) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  for (size_t at = 0; (at = shown.find('|', at)) != std::string::npos; at += 2) shown.insert(at, "\\");
  const std::string fence(longest + 1, '`');
  const char* space = longest > 0 || shown.empty() ? " " : "";
  return fence + space + shown + space + fence;
}

std::string markdown_text(std::string_view text) {
  const std::string shown = visible(text);
  std::string out;
  for (size_t at = 0; at < shown.size(); ++at) {
    const char c = shown[at];
    if (c == ':' && shown.compare(at, 3, "://") == 0) out += '\\';  // else it becomes a link
    if (c == '<' || c == '&') {
      out += c == '<' ? "&lt;" : "&amp;";
      continue;
    }
    if (std::string_view("\\`*_{}[]()#!|~>@").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace vetquant
