#include "vetquant/pipeline/manifest.h"

#include <algorithm>
#include <cmath>

#include "vetquant/core/error.h"
#include "vetquant/core/hash.h"
#include "vetquant/core/text.h"

namespace vetquant {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr const char* kSchema = "vetquant.manifest/2";
constexpr uint64_t kLargestManifest = uint64_t{64} << 20;
constexpr std::string_view kVerdicts[] = {"passed", "gate_failed", "over_budget", "unfinished"};

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

template <class T>
std::optional<T> optional_of(const Json& value) {
  return value.is_null() ? std::nullopt : std::optional<T>(value.get<T>());
}

Json outputs_json(const std::vector<OutputRecord>& outputs) {
  Json list = Json::array();
  for (const OutputRecord& o : outputs) list.push_back({{"file", o.file}, {"bytes", o.bytes}, {"xxh3_128", o.digest}});
  return list;
}

std::vector<OutputRecord> outputs_of(const Json& list) {
  std::vector<OutputRecord> outputs;
  for (const Json& o : list) outputs.push_back({o.at("file"), o.at("bytes"), o.at("xxh3_128")});
  return outputs;
}

Json judged_json(const JudgedRecord& judged) {
  Json gates = Json::array();
  for (const GateRecord& gate : judged.gates)
    gates.push_back({{"gate", gate.gate}, {"passed", gate.passed}, {"reason", gate.reason}});
  return {{"test_set", judged.set_name}, {"samples", judged.samples}, {"quick", or_null(judged.quick)},
          {"failure", judged.failure},   {"gates", std::move(gates)}, {"judged_with", judged.judged_with}};
}

JudgedRecord judged_of(const Json& json) {
  JudgedRecord judged;
  judged.set_name = json.at("test_set");
  judged.samples = json.at("samples");
  judged.quick = optional_of<size_t>(json.at("quick"));
  judged.failure = json.at("failure");
  judged.judged_with = json.at("judged_with").get<Ingredients>();
  for (const Json& gate : json.at("gates"))
    judged.gates.push_back({gate.at("gate"), gate.at("passed"), gate.at("reason")});
  return judged;
}

Json made_json(const MadeRecord& made) { return {{"made_from", made.made_from}, {"files", outputs_json(made.files)}}; }

Json graphs_json(const std::vector<GraphRecord>& graphs) {
  Json list = Json::array();
  for (const GraphRecord& graph : graphs) {
    list.push_back({{"graph", graph.graph},
                    {"bytes", {{"before", graph.float_bytes}, {"after", graph.bytes}}},
                    {"made", graph.made ? made_json(*graph.made) : Json(nullptr)}});
  }
  return list;
}

GraphRecord graph_of(const Json& json) {
  GraphRecord graph{json.at("graph"), json.at("bytes").at("before"), json.at("bytes").at("after"), std::nullopt};
  const Json& made = json.at("made");
  if (!made.is_null()) graph.made = {made.at("made_from").get<Ingredients>(), outputs_of(made.at("files"))};
  return graph;
}

Json built_json(const BuiltRecord& built) {
  return {{"copied", outputs_json(built.copied)},
          {"reports", outputs_json(built.reports)},
          {"judged", built.judged ? judged_json(*built.judged) : Json(nullptr)}};
}

BuiltRecord built_of(const Json& json) {
  BuiltRecord built;
  built.copied = outputs_of(json.at("copied"));
  built.reports = outputs_of(json.at("reports"));
  if (!json.at("judged").is_null()) built.judged = judged_of(json.at("judged"));
  return built;
}

PartRecord part_of(const Json& json) {
  PartRecord part;
  part.name = json.at("name");
  for (const Json& graph : json.at("graphs")) part.graphs.push_back(graph_of(graph));
  if (!json.at("built").is_null()) part.built = built_of(json.at("built"));
  return part;
}

Manifest manifest_of(const Json& json) {
  Manifest m;
  m.vetquant = json.at("vetquant");
  const Json& system = json.at("system");
  m.system_name = system.at("name");
  m.system_file = system.at("file");
  m.system_digest = system.at("xxh3_128");
  m.budget = {optional_of<uint64_t>(json.at("budget").at("max_bytes")),
              optional_of<double>(json.at("budget").at("max_share_pct"))};
  const std::string verdict = json.at("verdict");
  const auto known = std::find(std::begin(kVerdicts), std::end(kVerdicts), verdict);
  m.verdict = known == std::end(kVerdicts) ? Verdict::kUnfinished : static_cast<Verdict>(known - std::begin(kVerdicts));
  m.words = json.at("words");
  for (const Json& part : json.at("parts")) m.parts.push_back(part_of(part));
  return m;
}

}  // namespace

std::string_view name_of(Verdict verdict) { return kVerdicts[static_cast<size_t>(verdict)]; }

uint64_t PartRecord::float_bytes() const {
  uint64_t sum = 0;
  for (const GraphRecord& graph : graphs) sum += graph.float_bytes;
  return sum;
}

uint64_t PartRecord::bytes() const {
  uint64_t sum = 0;
  for (const GraphRecord& graph : graphs) sum += graph.bytes;
  return sum;
}

std::vector<OutputRecord> PartRecord::outputs() const {
  std::vector<OutputRecord> all;
  const auto add = [&](const std::vector<OutputRecord>& some) { all.insert(all.end(), some.begin(), some.end()); };
  for (const GraphRecord& graph : graphs) {
    if (graph.made) add(graph.made->files);
  }
  if (built) add(built->copied);
  if (built) add(built->reports);
  return all;
}

uint64_t Manifest::float_bytes() const {
  uint64_t sum = 0;
  for (const PartRecord& part : parts) sum += part.float_bytes();
  return sum;
}

uint64_t Manifest::bytes() const {
  uint64_t sum = 0;
  for (const PartRecord& part : parts) sum += part.bytes();
  return sum;
}

std::optional<uint64_t> Manifest::limit_bytes() const {
  std::optional<uint64_t> limit = budget.max_bytes;
  if (budget.max_share_pct) {
    const auto share =
        static_cast<uint64_t>(std::floor(static_cast<double>(float_bytes()) * *budget.max_share_pct / 100));
    limit = limit ? std::min(*limit, share) : share;
  }
  return limit;
}

const PartRecord* Manifest::find(const std::string& part) const {
  const auto found = std::find_if(parts.begin(), parts.end(), [&](const PartRecord& p) { return p.name == part; });
  return found == parts.end() ? nullptr : &*found;
}

Json manifest_json(const Manifest& m) {
  Json parts = Json::array();
  for (const PartRecord& part : m.parts) {
    parts.push_back({{"name", part.name},
                     {"bytes", {{"before", part.float_bytes()}, {"after", part.bytes()}}},
                     {"graphs", graphs_json(part.graphs)},
                     {"built", part.built ? built_json(*part.built) : Json(nullptr)}});
  }
  return {{"schema", kSchema},
          {"vetquant", m.vetquant},
          {"system", {{"name", m.system_name}, {"file", m.system_file}, {"xxh3_128", m.system_digest}}},
          {"budget", {{"max_bytes", or_null(m.budget.max_bytes)}, {"max_share_pct", or_null(m.budget.max_share_pct)}}},
          {"bytes", {{"before", m.float_bytes()}, {"after", m.bytes()}}},
          {"verdict", name_of(m.verdict)},
          {"words", m.words},
          {"parts", std::move(parts)}};
}

std::optional<Manifest> load_manifest(const fs::path& folder) {
  const fs::path path = folder / kManifestName;
  if (!fs::exists(path)) return std::nullopt;
  const auto file = ReadFile::open(path, ErrorCode::kIo);
  const std::string next = "; name another folder, or remove it to build all anew";
  if (file->size_bytes() > kLargestManifest)
    throw Error(ErrorCode::kIo, "is larger than any manifest of a build" + next, path.string());
  std::string text(file->size_bytes(), '\0');
  file->read(0, std::as_writable_bytes(std::span(text)));
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("schema") || json["schema"] != kSchema)
    throw Error(ErrorCode::kIo, std::string("is not a manifest that this version knows (") + kSchema + ")" + next,
                path.string());
  try {
    return manifest_of(json);
  } catch (const Json::exception&) {
    throw Error(ErrorCode::kIo, "is damaged: something that a manifest holds is missing or of another kind" + next,
                path.string());
  }
}

std::optional<std::string> first_difference(const Ingredients& before, const Ingredients& now) {
  for (const auto& [label, value] : now) {
    const auto found = before.find(label);
    if (found == before.end() || found->second != value) return label;
  }
  for (const auto& [label, value] : before) {
    if (!now.contains(label)) return label;
  }
  return std::nullopt;
}

std::optional<fs::path> place_of(const fs::path& folder, const OutputRecord& output) {
  const fs::path file(output.file);
  std::error_code failed;
  const fs::path parent = file.parent_path();
  const bool plain = !output.file.empty() && file.has_filename() && file.lexically_normal() == file &&
                     file.filename() != ".." && file.filename() != "." && !parent.has_parent_path() && parent != ".." &&
                     !file.is_absolute();
  if (!plain || (!parent.empty() && fs::is_symlink(folder / parent, failed))) return std::nullopt;
  return folder / file;
}

std::optional<std::string> first_damaged(const fs::path& folder, const std::vector<OutputRecord>& outputs) {
  for (const OutputRecord& output : outputs) {
    const auto path = place_of(folder, output);
    std::error_code failed;
    const uint64_t bytes = path ? fs::file_size(*path, failed) : 0;
    if (!path || failed || bytes != output.bytes) return output.file;
    if (digest_of(*ReadFile::open(*path, ErrorCode::kIo)) != output.digest) return output.file;
  }
  return std::nullopt;
}

}  // namespace vetquant
