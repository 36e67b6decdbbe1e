// A tokenizer.json, read strictly into what Tokenizer works with.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bpe.h"
#include "pre_tokenizer.h"

namespace vetquant {

struct AddedToken {
  uint32_t id = 0;
  std::string text;
  bool special = false;
  bool takes_space_before = false, takes_space_after = false;  // "lstrip", "rstrip"
  bool normalized = false;                                     // is looked for after those that are not
};

struct TokenizerParts {
  Bpe bpe;
  std::vector<SplitStep> steps;
  std::vector<AddedToken> added;
  std::unordered_map<uint32_t, std::string> written;  // every token, as the file writes it
  std::unordered_map<std::string, uint32_t> ids;      // likewise
  std::vector<uint32_t> prefix, suffix;
};

// Error{kUsage} at `name`.
TokenizerParts read_tokenizer(std::string_view json, const std::string& name);

}  // namespace vetquant
