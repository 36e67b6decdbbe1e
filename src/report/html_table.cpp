#include "html_table.h"

#include <cmath>
#include <cstdio>

#include "vetquant/report/markup.h"

namespace vetquant {

// display: grid takes the meaning of a table from its elements; the roles give it back.
void HtmlTable::row(const std::vector<std::string>& cells) {
  rows_ += "<tr role=\"row\">";
  for (size_t c = 0; c < columns_.size(); ++c) {
    const std::string cell = c < cells.size() ? cells[c] : "";
    const Column& column = columns_[c];
    if (c == 0) {
      rows_ += "<th scope=\"row\" role=\"rowheader\">" + cell + "</th>";
      continue;
    }
    rows_ += "<td role=\"cell\" data-label=\"" + escaped(column.title) + "\"" +
             (*column.style ? " class=\"" + std::string(column.style) + "\"" : "") + ">" +
             (cell.empty() ? "" : "<div>" + cell + "</div>") + "</td>";
  }
  rows_ += "</tr>\n";
}

std::string HtmlTable::html() const {
  if (rows_.empty()) return "";
  std::string head;
  for (const Column& column : columns_) {
    head += "<th scope=\"col\" role=\"columnheader\"" +
            (*column.style ? " class=\"" + std::string(column.style) + "\"" : "") + ">" + escaped(column.title) +
            "</th>";
  }
  return "<table role=\"table\" class=\"cards\">" +
         (caption_.empty() ? "" : "<caption>" + escaped(caption_) + "</caption>") +
         "\n<thead role=\"rowgroup\"><tr role=\"row\">" + head + "</tr></thead>\n<tbody role=\"rowgroup\">\n" + rows_ +
         "</tbody></table>\n";
}

std::string name_html(const std::string& text) { return "<bdi>" + escaped(text) + "</bdi>"; }

std::string small_html(const std::string& text) { return text.empty() ? "" : "<small>" + escaped(text) + "</small>"; }

std::string badge_html(Change change) {
  const char* sign = change == Change::kBetter ? "▲ " : change == Change::kWorse ? "▼ " : "";
  const char* style = change == Change::kBetter ? " good" : change == Change::kWorse ? " bad" : "";
  return std::string("<span class=\"badge") + style + "\">" + sign + in_words(change) + "</span>";
}

std::string section_html(const std::string& title, const std::string& html) {
  return html.empty() ? "" : "<section>\n<h2>" + escaped(title) + "</h2>\n" + html + "</section>\n";
}

std::string details_html(const std::string& summary, const std::string& html) {
  return html.empty() ? "" : "<details><summary>" + escaped(summary) + "</summary>\n" + html + "</details>\n";
}

std::string attribute_number(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.2f", std::isfinite(value) && std::abs(value) < 1e9 ? value : 0.0);
  return text;
}

}  // namespace vetquant
