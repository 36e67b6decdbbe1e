// What `vetquant build` makes: several models, each by its policy, under one budget (docs/build.md; schema:
// models/schemas/system.schema.json). Relative paths are relative to the file. Complaints are Error{kUsage}
// "system.yaml:7:5: unknown key 'polcy' in model 'langid'; did you mean 'policy'?".
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/eval/gate.h"
#include "vetquant/policy/document.h"

namespace vetquant {

struct SystemBudget {  // over all parts
  std::optional<uint64_t> max_bytes;
  std::optional<double> max_share_pct;  // of the float models' bytes
};

struct WrittenGate {
  Gate gate;
  SourcePosition position;
};

struct SystemPart {
  std::string name;  // of its files, too: letters, digits, and . _ - after the first
  std::filesystem::path model;
  std::string policy;                             // a preset's name or a path
  std::optional<std::filesystem::path> test_set;  // without one the part is not judged
  std::vector<WrittenGate> gates;                 // none without a test set
  std::optional<size_t> quick;                    // samples of the test set that --quick takes
  SourcePosition position;
};

struct System {
  std::filesystem::path path;
  std::string name, digest;           // XXH3-128 of the file
  std::optional<std::string> target;  // a profile's name or a path; else each policy's
  SystemBudget budget;
  std::vector<SystemPart> parts;  // in file order, at least one
};

System load_system(const std::filesystem::path& path);
System parse_system(const std::string& text, const std::filesystem::path& path);

}  // namespace vetquant
