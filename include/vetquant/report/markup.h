// Foreign text in HTML, XML and Markdown. Names come from files and may be anything: what is no UTF-8, control characters
// and what XML 1.0 cannot hold is shown as "\x1b"; characters that turn the direction of text as "\u202e".
#pragma once

#include <string>
#include <string_view>

namespace vetquant {

// For HTML and XML alike, in elements and in quoted attributes. Line ends and tabs become spaces.
std::string escaped(std::string_view text);

// Visible characters only, not yet escaped: for what is cut or measured before it is escaped.
std::string visible(std::string_view text);

// A code span of GitHub-flavoured Markdown that holds in a table, and in which nothing is a link or a mention.
std::string markdown_code(std::string_view text);

// Plain words of ours or of an error message in a line of Markdown: special characters are escaped.
std::string markdown_text(std::string_view text);

}  // namespace vetquant
