// What `vetquant build` makes: several models, each by its policy, under one budget (docs/build.md; schema:
// models/schemas/system.schema.json). Relative paths are relative to the file; ${NAME} in a path is the environment's.
// Complaints are Error{kUsage}
// "system.yaml:7:5: unknown key 'polcy' in model 'langid'; did you mean 'policy'?".
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/eval/gate.h"
#include "vetquant/model/graph_index.h"
#include "vetquant/policy/document.h"
#include "vetquant/write/write.h"

namespace vetquant {

struct SystemBudget {  // over all parts
  std::optional<uint64_t> max_bytes;
  std::optional<double> max_share_pct;  // of the float models' bytes
};

struct WrittenGate {
  Gate gate;
  SourcePosition position;
};

struct WrittenName {
  std::string name;
  SourcePosition position;
};

struct PolicyOfGraph {
  WrittenName graph;   // a file of the model's folder
  std::string policy;  // a preset's name or a path
};

struct SystemPart {
  std::string name;                     // of its files, too: letters, digits, and . _ - after the first
  std::filesystem::path model;          // a file, or a folder with several graphs
  std::string policy;                   // a preset's name or a path
  std::vector<PolicyOfGraph> policies;  // of a folder's graphs that have one of their own
  std::vector<WrittenName> graphs;      // of a folder, those that are quantized; empty: all
  Sidecar sidecar = Sidecar::kAuto;
  std::vector<ShapeBinding> shapes;               // of the graphs that have such an input
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
