#include "text_table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace vetquant {
namespace {

bool begins_code_point(char c) { return (c & 0xC0) != 0x80; }

size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), begins_code_point));
}

size_t offset_of(const std::string& text, size_t code_points) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if (begins_code_point(text[at]) && code_points-- == 0) break;
  }
  return at;
}

}  // namespace

TextTable::TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

void TextTable::row(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::string TextTable::text() const {
  std::vector<size_t> widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    size_t widest = width_of(columns_[c].title);
    for (const auto& row : rows_) widest = std::max(widest, width_of(row[c]));
    widths.push_back(widest);
  }
  size_t total = 2 * (widths.size() - 1);
  for (const size_t width : widths) total += width;
  constexpr size_t kLeastName = 12;
  if (total > kReportColumns && widths[0] > kLeastName)
    widths[0] -= std::min(widths[0] - kLeastName, total - kReportColumns);
  std::string out;
  const auto line = [&](const auto& cell_of) {
    std::string text;
    for (size_t c = 0; c < columns_.size(); ++c) {
      const std::string cell = c == 0 ? shortened(cell_of(c), widths[0]) : cell_of(c);
      const std::string space(widths[c] - std::min(widths[c], width_of(cell)), ' ');
      text += (c ? "  " : "") + (columns_[c].align == Align::kRight ? space + cell : cell + space);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  line([&](size_t c) { return columns_[c].title; });
  for (const auto& row : rows_) line([&](size_t c) { return row[c]; });
  return out;
}

std::string wrapped(const std::string& text, const std::string& indent) {
  size_t at = std::min(text.find_first_not_of(' '), text.size());
  std::string out, line = text.substr(0, at);
  bool fresh = true;  // no word in the line yet
  while (at < text.size()) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (!fresh && width_of(line) + 1 + width_of(word) > kReportColumns) {
      out += line + "\n";
      line = indent;
      fresh = true;
    }
    line += (fresh ? "" : " ") + word;
    fresh = false;
    at = end + 1;
  }
  return out + line + "\n";
}

std::string shortened(const std::string& text, size_t width) {
  const size_t have = width_of(text);
  if (have <= width || width < 5) return text;
  const size_t head = (width - 1) / 3, tail = width - 1 - head;
  return text.substr(0, offset_of(text, head)) + "…" + text.substr(offset_of(text, have - tail));
}

std::string fixed(double value, int digits) {
  if (std::isnan(value)) return "-";
  char text[400];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string compact(double value) {
  if (std::isnan(value)) return "-";
  char text[40];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

}  // namespace vetquant
