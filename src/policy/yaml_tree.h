// The tree that parse_yaml builds from yaml-cpp's events.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace vetquant {

struct YamlTree {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string scalar;
  bool quoted = false;  // "true" in quotes is a text
  int line = 0, column = 0;
  size_t size = 1;                                     // values in it, aliases expanded
  std::vector<std::shared_ptr<const YamlTree>> items;  // kList
  std::vector<std::pair<std::shared_ptr<const YamlTree>, std::shared_ptr<const YamlTree>>> entries;  // kMap
};

}  // namespace vetquant
