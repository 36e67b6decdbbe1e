#include <algorithm>
#include <cstdio>

#include "commands.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"

namespace vetquant::cli {
namespace {

size_t code_points(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// Byte offset of the n-th code point.
size_t offset_of(const std::string& text, size_t n) {
  size_t at = 0;
  while (at < text.size() && n > 0) {
    ++at;
    while (at < text.size() && (text[at] & 0xC0) == 0x80) ++at;
    --n;
  }
  return at;
}

std::string padded(const std::string& text, size_t width, bool right) {
  const size_t have = code_points(text);
  const std::string space(width > have ? width - have : 0, ' ');
  return right ? space + text : text + space;
}

}  // namespace

void answer(const Globals& globals, const nlohmann::ordered_json& document, const std::string& text) {
  // Names come from files: what is not UTF-8 is replaced, never an exception.
  const std::string json = document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  if (!globals.report.empty()) write_whole_file(globals.report, json, globals.replace());
  const std::string& out = globals.json ? json : text;
  std::fwrite(out.data(), 1, out.size(), stdout);
}

void say(const Globals& globals, const std::string& line) {
  if (!globals.quiet) std::fprintf(stderr, "%s\n", line.c_str());
}

std::vector<std::pair<std::string, std::vector<int64_t>>> parse_shapes(const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, std::vector<int64_t>>> shapes;
  for (const std::string& text : texts) {
    const size_t equals = text.rfind('=');
    std::vector<int64_t> dims;
    bool good = equals != std::string::npos && equals > 0 && equals + 1 < text.size();
    for (size_t at = equals + 1; good && at <= text.size();) {
      const size_t end = std::min(text.find('x', at), text.size());
      const std::string number = text.substr(at, end - at);
      good = !number.empty() && number.size() < 10 && number.find_first_not_of("0123456789") == std::string::npos &&
             number != "0";
      if (good) dims.push_back(std::stoll(number));
      at = end + 1;
    }
    if (!good)
      throw Error(ErrorCode::kUsage, "'" + printable(text) + "' is no shape; write INPUT=1x80x3000", "--shape");
    shapes.emplace_back(text.substr(0, equals), std::move(dims));
  }
  return shapes;
}

std::string shorten_middle(const std::string& text, size_t width) {
  const size_t have = code_points(text);
  if (have <= width || width < 5) return text;
  // The end of a path tells more than its beginning.
  const size_t head = (width - 1) / 3, tail = width - 1 - head;
  return text.substr(0, offset_of(text, head)) + "…" + text.substr(offset_of(text, have - tail));
}

std::string definitions(const std::vector<std::pair<std::string, std::string>>& entries, size_t width) {
  size_t indent = 0;
  for (const auto& [name, words] : entries) indent = std::max(indent, code_points(name) + 2);
  std::string text;
  for (const auto& [name, words] : entries) {
    std::string line = padded(name, indent, false);
    for (size_t at = 0; at < words.size();) {
      const size_t end = std::min(words.find(' ', at), words.size());
      const std::string word = words.substr(at, end - at);
      const bool first = code_points(line) == indent;
      if (!first && code_points(line) + 1 + code_points(word) > width) {
        text += line + "\n";
        line = std::string(indent, ' ') + word;
      } else {
        line += (first ? "" : " ") + word;
      }
      at = end + 1;
    }
    text += line + "\n";
  }
  return text;
}

Table::Table(std::vector<std::string> header, std::string right, size_t elastic, size_t width)
    : header_(std::move(header)), right_(std::move(right)), elastic_(elastic), width_(width) {}

void Table::row(std::vector<std::string> cells) {
  cells.resize(header_.size());
  for (std::string& cell : cells) cell = printable(cell, 400);
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<size_t> widths;
  for (size_t c = 0; c < header_.size(); ++c) {
    size_t widest = code_points(header_[c]);
    for (const auto& row : rows_) widest = std::max(widest, code_points(row[c]));
    widths.push_back(widest);
  }
  size_t total = 2 * (widths.size() - 1);
  for (const size_t w : widths) total += w;
  if (total > width_)
    widths[elastic_] -= std::min(widths[elastic_] - std::min<size_t>(widths[elastic_], 12), total - width_);
  std::string out;
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (size_t c = 0; c < cells.size(); ++c) {
      const bool right = c < right_.size() && right_[c] == '>';
      text += (c == 0 ? "" : "  ") + padded(shorten_middle(cells[c], widths[c]), widths[c], right);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  line(header_);
  for (const auto& row : rows_) line(row);
  return out;
}

}  // namespace vetquant::cli
