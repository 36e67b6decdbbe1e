// The first step of a build: every part planned. Nothing is written.
#include <algorithm>
#include <set>

#include "build_steps.h"
#include "part_files.h"
#include "vetquant/core/error.h"
#include "vetquant/core/hash.h"
#include "vetquant/core/text.h"
#include "vetquant/pipeline/build.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;

void check_only(const System& system, const std::vector<std::string>& only) {
  std::vector<std::string> known;
  for (const SystemPart& part : system.parts) known.push_back(part.name);
  for (const std::string& name : only) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string nearest = nearest_word(name, known);
    std::string words = "the system has no part '" + printable(name) + "'; ";
    if (nearest.empty()) {
      words += "it has ";
      for (size_t i = 0; i < known.size(); ++i) words += (i > 0 ? ", " : "") + known[i];
    } else {
      words += "did you mean '" + nearest + "'?";
    }
    throw Error(ErrorCode::kUsage, words, system.path.string());
  }
}

// The system's gates at their places; those of the policies where they name this test set. Loads the set: what is wrong
// with it is told before a weight is read.
std::vector<Gate> gates_of_part(const PlannedPart& planned) {
  const SystemPart& part = planned.part;
  std::vector<Gate> gates;
  if (!part.test_set) return gates;
  const TestSet set = load_test_set(*part.test_set);
  for (const WrittenGate& written : part.gates) {
    try {
      check_gates({written.gate}, set);
    } catch (const Error& error) {
      throw Error(error.code(), error.where() + ": " + error.message(), written.position.text());
    }
    gates.push_back(written.gate);
  }
  std::set<std::string> seen;
  for (const PlannedGraph& graph : planned.graphs) {
    const Policy& policy = graph.prepared->policy;
    if (!seen.insert(policy.digest).second) continue;
    for (const PolicyGate& written : policy.gates) {
      if (!written.test_set.empty() && written.test_set != set.name && written.test_set != set.path.stem()) continue;
      const auto more = gates_of(written);
      check_gates(more, set);
      gates.insert(gates.end(), more.begin(), more.end());
    }
  }
  return gates;
}

// Parts' names are the user's: "a" as a folder with b.onnx and "a.b" as a file would both write a.b.lock.
void check_names_differ(const BuildPlan& plan) {
  std::set<std::string> taken = {kManifestName};
  for (const PlannedPart& planned : plan.parts) {
    const std::string& name = planned.part.name;
    std::vector<std::string> own = {name + ".report.json", name + ".report.txt"};
    own.push_back(planned.is_folder ? name : name + ".onnx");
    for (const PlannedGraph& graph : planned.graphs) own.push_back(graph.lock);
    for (const std::string& file : own) {
      if (!taken.insert(file).second)
        throw Error(ErrorCode::kUsage, "part '" + name + "' would write " + file + ", which is another's; rename it",
                    planned.part.position.text());
    }
  }
}

PlannedGraph plan_graph(const BuildPlan& plan, const SystemPart& part, const PartFiles& files, const PartGraph& graph) {
  PlannedGraph planned;
  planned.name = graph.name;
  planned.output = output_name(part, files, graph.name);
  planned.lock = lock_name(part, files, graph.name);
  Request request;
  request.model = graph.path;
  request.policy = graph.policy;
  request.target = plan.system.target;
  request.shapes = graph.shapes;
  request.sidecar = part.sidecar;
  request.output = plan.options.folder / planned.output;
  planned.prepared = std::make_shared<const Prepared>(prepare(request));
  check_worth_doing(*planned.prepared);
  return planned;
}

void plan_part(BuildPlan& plan, const SystemPart& part) {
  if (part.test_set && !plan.options.judge)
    throw Error(ErrorCode::kInternal, "a part is to be judged, but nobody said how", part.name);
  PlannedPart planned;
  planned.part = part;
  const PartFiles files = files_of_part(part);
  planned.is_folder = files.is_folder;
  planned.record.name = part.name;
  for (const PartGraph& graph : files.graphs) {
    planned.graphs.push_back(plan_graph(plan, part, files, graph));
    const Prepared& prepared = *planned.graphs.back().prepared;
    planned.record.graphs.push_back({graph.name, prepared.model->total_bytes(), prepared.sizes.total_bytes(), {}});
  }
  for (const fs::path& path : files.side_files) {
    const auto file = ReadFile::open(path, ErrorCode::kIo);
    const std::string name = part.name + "/" + path.filename().string();
    planned.side_files.push_back({path, {name, file->size_bytes(), digest_of(*file)}});
  }
  planned.gates = gates_of_part(planned);
  plan.parts.push_back(std::move(planned));
}

}  // namespace

BuildPlan plan_build(const System& system, const BuildOptions& options) {
  check_only(system, options.only);
  BuildPlan plan{system, options, {}, {}};
  for (const SystemPart& part : system.parts) {  // before any model: a typo is told at once
    load_policy(part.policy);
    for (const PolicyOfGraph& own : part.policies) load_policy(own.policy);
  }
  for (const SystemPart& part : system.parts) plan_part(plan, part);
  check_names_differ(plan);
  find_done(plan);
  Manifest& manifest = plan.manifest;
  manifest.vetquant = kVersion;
  manifest.system_name = system.name;
  manifest.system_file = system.path.filename().string();
  manifest.system_digest = system.digest;
  manifest.budget = system.budget;
  for (const PlannedPart& planned : plan.parts) manifest.parts.push_back(planned.record);
  decide(manifest);
  return plan;
}

}  // namespace vetquant
