// Pieces of HTML that several sections use. Arguments called `html` or `cells` are markup; `text` is escaped here.
#pragma once

#include <string>
#include <vector>

#include "figures.h"

namespace vetquant {

// A table that becomes one card a row on a narrow screen: each cell then says its column's title.
class HtmlTable {
 public:
  struct Column {
    std::string title;
    const char* style = "";  // "n": a number
  };
  HtmlTable(std::string caption, std::vector<Column> columns)
      : caption_(std::move(caption)), columns_(std::move(columns)) {}
  void row(const std::vector<std::string>& cells);  // the first is the row's name
  std::string html() const;                         // empty where there is no row

 private:
  std::string caption_;
  std::vector<Column> columns_;
  std::string rows_;
};

std::string name_html(const std::string& text);   // a foreign name: isolated, so that it turns no direction
std::string small_html(const std::string& text);  // a second line of a cell; "" for ""
std::string badge_html(Change change);            // sign and word
std::string section_html(const std::string& title, const std::string& html);  // "" where html is
std::string details_html(const std::string& summary, const std::string& html);
std::string attribute_number(double value);  // "12.34", never with an exponent; for coordinates

}  // namespace vetquant
