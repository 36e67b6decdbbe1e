// manifest.json of a build folder ("vetquant.manifest/2", schema in models/schemas/manifest.schema.json): what each part was
// made from, what was written, what the gates said. It is the record by which the next build knows what need not be done
// again, so a graph enters it only when it is written, and a part is `built` when all of it is there; while a build works its verdict is kUnfinished.
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
  std::string file;  // in the build folder: "langid.onnx", "speech/tokenizer.json"
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

struct MadeRecord {
  Ingredients made_from;
  std::vector<OutputRecord> files;  // model, its sidecar where there is one, lock
};

struct GraphRecord {
  std::string graph;  // the source's file name
  uint64_t float_bytes = 0,
           bytes = 0;  // `bytes` is predicted where it was not made: to the byte what would be written
  std::optional<MadeRecord> made;
};

struct BuiltRecord {
  std::vector<OutputRecord> copied;   // files that stood beside a folder's graphs: tokenizer.json
  std::vector<OutputRecord> reports;  // JSON, text; none where nothing was judged
  std::optional<JudgedRecord> judged;
};

struct PartRecord {
  std::string name;
  std::vector<GraphRecord> graphs;   // one, or those of a folder
  std::optional<BuiltRecord> built;  // all graphs are made, all else is copied

  uint64_t float_bytes() const;
  uint64_t bytes() const;
  std::vector<OutputRecord> outputs() const;  // all that was written
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

// Where the output lies; nullopt where its name leads out of the folder: a manifest is a file like any other.
std::optional<std::filesystem::path> place_of(const std::filesystem::path& folder, const OutputRecord& output);

// The first output that is missing or has other contents; nullopt where all are as they were written.
std::optional<std::string> first_damaged(const std::filesystem::path& folder, const std::vector<OutputRecord>& outputs);

}  // namespace vetquant
