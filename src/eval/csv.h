// Comma-separated tables with a header line (RFC 4180: fields may be quoted), as test sets list their items.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace vetquant {

struct CsvTable {
  std::string file;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  // each as long as the header
  std::vector<int> lines;                      // of each row in the file, from 1

  static CsvTable load(const std::filesystem::path& path);
  int column(const std::string& name) const;               // -1 where it is not there
  size_t needed_column(const std::string& name) const;     // Error{kUsage}
  uint64_t whole_number(size_t row, size_t column) const;  // of samples; Error{kUsage}
  std::string where(size_t row) const { return file + ":" + std::to_string(lines[row]); }
};

}  // namespace vetquant
