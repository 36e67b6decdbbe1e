// manifest.json of a build folder ("vetquant.manifest/1", schema in models/schemas/manifest.schema.json): what each part was
// made from, what was written, what the gates said. It is the record by which the next build knows what need not be done
// again, so a part enters it only when it is whole; while a build works its verdict is kUnfinished.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/pipeline/system.h"

namespace vetquant {

inline constexpr const char* kManifestName = "manifest.json";

// Label ("model", "policy", "gates") to digest or text. Two makings are the same where their maps are.
using Ingredients = std::map<std::string, std::string>;

struct OutputRecord {
  std::string file;  // in the build folder
  uint64_t bytes = 0;
  std::string digest;  // XXH3-128
};

struct GateRecord {
  std::string gate;
  bool passed = false;
  std::string reason;
};

struct JudgedRecord {
  Ingredients judged_with;
  std::string set_name, failure;  // failure: how float or quantized model failed, or ""
  size_t samples = 0;
  std::optional<size_t> quick;  // judged on at most so many samples
  std::vector<GateRecord> gates;
};

struct BuiltRecord {
  Ingredients made_from;
  std::vector<OutputRecord> made;     // model, its sidecar where there is one, lock
  std::vector<OutputRecord> reports;  // JSON, text; none where nothing was judged
  std::optional<JudgedRecord> judged;
};

struct PartRecord {
  std::string name;
  uint64_t float_bytes = 0,
           bytes = 0;  // `bytes` is predicted where it was not built: to the byte what would be written
  std::optional<BuiltRecord> built;
};

enum class Verdict { kPassed, kGateFailed, kOverBudget, kUnfinished };
std::string_view name_of(Verdict verdict);  // "passed", "gate_failed", "over_budget", "unfinished"

struct Manifest {
  std::string vetquant, system_name, system_file, system_digest;
  SystemBudget budget;
  Verdict verdict = Verdict::kUnfinished;
  std::string words;  // the verdict for people, one line
  std::vector<PartRecord> parts;

  uint64_t float_bytes() const;
  uint64_t bytes() const;
  std::optional<uint64_t> limit_bytes() const;  // the budget's, whichever is less
  const PartRecord* find(const std::string& part) const;
};

nlohmann::ordered_json manifest_json(const Manifest& manifest);

// nullopt where there is none. Error{kIo} where it is not a manifest of this version.
std::optional<Manifest> load_manifest(const std::filesystem::path& folder);

// Label of the first ingredient that differs; nullopt where none does.
std::optional<std::string> first_difference(const Ingredients& before, const Ingredients& now);

// The first output that is missing or has other contents; nullopt where all are as they were written.
std::optional<std::string> first_damaged(const std::filesystem::path& folder, const std::vector<OutputRecord>& outputs);

}  // namespace vetquant
