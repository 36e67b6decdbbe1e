#include "vetquant/report/markup.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "vetquant/core/utf8.h"

namespace vetquant {
namespace {

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
    const Utf8Step c = utf8_at(text, at);
    const bool no_xml = (c.code & 0xFFFE) == 0xFFFE;  // U+FFFE, U+FFFF and their like on other planes
    if (!c.valid) {
      out += hexadecimal("\\x%02x", static_cast<unsigned char>(text[at]));
    } else if (c.code == '\n' || c.code == '\t' || c.code == '\r') {
      out += ' ';
    } else if (c.code < 0x80 && is_control(c.code)) {
      out += hexadecimal("\\x%02x", c.code);
    } else if (is_control(c.code) || turns_direction(c.code) || no_xml) {
      out += hexadecimal("\\u%04x", c.code);
    } else {
      out += text.substr(at, c.bytes);
    }
    at += c.valid ? c.bytes : 1;
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
