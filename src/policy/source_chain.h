// A file and what it extends, as a list: the same for policies and target profiles.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "vetquant/core/text.h"
#include "vetquant/policy/document.h"

namespace vetquant {

// A text that was read, and the name by which complaints call it.
struct SourceText {
  std::string name, text;
};

inline constexpr size_t kLongestChain = 16;

// Is this the name of a shipped document rather than a path?
inline bool looks_like_path(const std::string& name) {
  return name.find('/') != std::string::npos || name.ends_with(".yaml") || name.ends_with(".yml");
}

// Where `name` is written in the file `from`: relative to that file's folder.
inline std::string beside(const std::string& from, const std::string& name) {
  const std::filesystem::path path(name);
  if (path.is_absolute()) return name;
  return (std::filesystem::path(from).parent_path() / path).lexically_normal().string();
}

// Reads `first`, what it extends, what that extends and so on; `next(extends, from)` gives each further text.
template <class ReadOwn, class Next>
auto read_chain(SourceText first, const ReadOwn& read_own, const Next& next) {
  std::vector<decltype(read_own(first))> chain;
  std::vector<SourceText> sources = {std::move(first)};
  while (chain.size() < sources.size()) {
    chain.push_back(read_own(sources.back()));
    const auto& extends = chain.back().extends;
    if (!extends) break;
    SourceText further = next(*extends, sources.back().name);
    for (const SourceText& earlier : sources) {
      if (earlier.name == further.name)
        extends->fail("extends goes in a circle: " + printable(further.name) + " is extended already");
    }
    if (sources.size() >= kLongestChain)
      extends->fail("more than " + std::to_string(kLongestChain) + " files extend each other");
    sources.push_back(std::move(further));
  }
  return chain;
}

// What `extends` names where it is a file, beside the file `from`.
inline SourceText extended_file(const YamlValue& extends, const std::string& name, const std::string& from) {
  const std::string path = beside(from, name);
  try {
    return {path, read_small_file(path)};
  } catch (const Error& error) {
    extends.fail("what it extends, " + printable(path) + ", " + error.message());
  }
}

}  // namespace vetquant
