// Plain text in columns, and lines that end at a column.
#pragma once

#include <string>
#include <vector>

namespace vetquant {

inline constexpr size_t kReportColumns = 100;

enum class Align { kLeft, kRight };

class TextTable {
 public:
  struct Column {
    std::string title;
    Align align = Align::kRight;
  };
  // The first column is shortened in the middle where a line would be longer than kReportColumns.
  explicit TextTable(std::vector<Column> columns);
  void row(std::vector<std::string> cells);
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Breaks at spaces; lines after the first begin with `indent`.
std::string wrapped(const std::string& text, const std::string& indent);

std::string shortened(const std::string& text, size_t width);  // in the middle; counts code points
std::string fixed(double value, int digits);                   // "97.50"; "-" for NaN
std::string compact(double value);                             // "0.00123", "1.2e-09"

}  // namespace vetquant
