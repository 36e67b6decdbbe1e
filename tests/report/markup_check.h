// Is this text well-formed: every element closed in order, attributes quoted and unique, references known? For HTML (in the
// strict form that we write, with the void elements meta and br) and XML alike.
#pragma once

#include <string>

namespace vetquant::test {

// "" or what is wrong and where.
std::string markup_complaint(const std::string& text);

}  // namespace vetquant::test
