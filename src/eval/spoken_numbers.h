// English numbers and units as they are said, written as a clinic writes them; part of the normalisation dictation-1.
#pragma once

#include <string>
#include <vector>

namespace vetquant {

// Words of small letters in, words out: "twenty five milligrams", "25mg" -> "25", "mg".
std::vector<std::string> written_quantities(const std::vector<std::string>& words);

}  // namespace vetquant
