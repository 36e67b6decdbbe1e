// `use:` as policies and target profiles write it.
#pragma once

#include "vetquant/policy/document.h"
#include "vetquant/policy/policy.h"

namespace vetquant {

Use read_use(const YamlValue& value, std::string_view what);
std::vector<DType> read_weight_types(const YamlValue& value);
std::vector<std::string> read_globs(const YamlValue& value, std::string_view what);

// "weights: int4, block: 32", in the order of words.h: the same text for the same meaning.
std::string canonical(const Use& use);
std::string yaml_text(std::string_view text);  // as a double-quoted YAML scalar
std::string yaml_number(double value);         // the shortest text that reads back as the same number

}  // namespace vetquant
