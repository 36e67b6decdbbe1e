#include "csv.h"

#include <algorithm>
#include <charconv>

#include "vetquant/core/error.h"
#include "vetquant/core/file.h"
#include "vetquant/core/text.h"

namespace vetquant {

CsvTable CsvTable::load(const std::filesystem::path& path) {
  constexpr uint64_t kLargest = uint64_t{1} << 30;
  const auto file = ReadFile::open(path, ErrorCode::kUsage);
  if (file->size_bytes() > kLargest) throw Error(ErrorCode::kUsage, "is too large for a list of items", path.string());
  std::string text(file->size_bytes(), '\0');
  file->read(0, std::as_writable_bytes(std::span(text)));
  CsvTable table;
  table.file = path.string();
  std::vector<std::string> row(1);
  int line = 1, row_line = 1;
  bool quoted = false;
  const auto end_row = [&] {
    if (row.size() == 1 && row[0].empty()) return;  // an empty line
    if (table.header.empty()) {
      table.header = row;
    } else if (row.size() != table.header.size()) {
      throw Error(
          ErrorCode::kUsage,
          "has " + std::to_string(row.size()) + " fields where the header has " + std::to_string(table.header.size()),
          table.file + ":" + std::to_string(row_line));
    } else {
      table.rows.push_back(row);
      table.lines.push_back(row_line);
    }
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') ++line;
    if (quoted) {
      if (c == '"' && i + 1 < text.size() && text[i + 1] == '"')
        row.back() += text[++i];
      else if (c == '"')
        quoted = false;
      else
        row.back() += c;
    } else if (c == '"' && row.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      row.emplace_back();
    } else if (c == '\n') {
      end_row();
      row.assign(1, "");
      row_line = line;
    } else if (c != '\r') {
      row.back() += c;
    }
  }
  if (quoted) throw Error(ErrorCode::kUsage, "a quote is not closed", table.file + ":" + std::to_string(row_line));
  end_row();
  if (table.header.empty())
    throw Error(ErrorCode::kUsage, "is empty; its first line must name the columns", table.file);
  return table;
}

int CsvTable::column(const std::string& name) const {
  const auto found = std::find(header.begin(), header.end(), name);
  return found == header.end() ? -1 : static_cast<int>(found - header.begin());
}

size_t CsvTable::needed_column(const std::string& name) const {
  const int found = column(name);
  if (found < 0) throw Error(ErrorCode::kUsage, "lacks the column '" + name + "'", file + ":1");
  return static_cast<size_t>(found);
}

uint64_t CsvTable::whole_number(size_t row, size_t column) const {
  const std::string& text = rows[row][column];
  uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) {
    throw Error(ErrorCode::kUsage,
                "'" + printable(text) + "' is not a number of samples (column '" + header[column] + "')", where(row));
  }
  return value;
}

}  // namespace vetquant
