#include "part_files.h"

#include <onnx/onnx_pb.h>

#include <algorithm>

#include "vetquant/core/error.h"
#include "vetquant/core/text.h"
#include "vetquant/model/model.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;

// What tokenizers, feature extractors and generation need; weights that a graph names stand in the graph's own result.
bool is_side_file(const fs::path& path) {
  constexpr std::string_view kEndings[] = {".json", ".txt", ".model", ".jinja", ".md"};
  constexpr std::string_view kNames[] = {"LICENSE", "NOTICE"};
  const std::string name = path.filename().string(), ending = path.extension().string();
  if (name.starts_with('.')) return false;
  return std::find(std::begin(kEndings), std::end(kEndings), ending) != std::end(kEndings) ||
         std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

[[noreturn]] void fail(const WrittenName& written, const SystemPart& part, const std::vector<std::string>& known) {
  const std::string nearest = nearest_word(written.name, known);
  std::string list;
  for (const std::string& name : known) list += (list.empty() ? "" : ", ") + printable(name, 60);
  throw Error(ErrorCode::kUsage,
              part.model.string() + " has no graph '" + printable(written.name, 60) + "' to quantize; " +
                  (nearest.empty() ? "it has " + list : "did you mean '" + nearest + "'?"),
              written.position.text());
}

void check_one_file(const SystemPart& part) {
  const WrittenName* first = !part.graphs.empty()     ? &part.graphs[0]
                             : !part.policies.empty() ? &part.policies[0].graph
                                                      : nullptr;
  if (!first) return;
  throw Error(ErrorCode::kUsage, "graphs are named of a folder; " + part.model.string() + " is a file",
              first->position.text());
}

std::vector<std::string> graph_names(const SystemPart& part, const std::vector<std::string>& found) {
  if (part.graphs.empty()) return found;
  std::vector<std::string> names;
  for (const WrittenName& written : part.graphs) {
    if (std::find(found.begin(), found.end(), written.name) == found.end()) fail(written, part, found);
    if (std::find(names.begin(), names.end(), written.name) != names.end())
      throw Error(ErrorCode::kUsage, "'" + printable(written.name, 60) + "' stands there twice",
                  written.position.text());
    names.push_back(written.name);
  }
  return names;
}

// An input's shape belongs to the graphs that have it; to none is a mistake.
void share_shapes(const SystemPart& part, PartFiles& files) {
  for (const ShapeBinding& binding : part.shapes) {
    bool known = false;
    for (PartGraph& graph : files.graphs) {
      const auto model = Model::load(graph.path);
      const auto& inputs = model->skeleton().graph().input();
      if (std::none_of(inputs.begin(), inputs.end(), [&](const auto& input) { return input.name() == binding.input; }))
        continue;
      graph.shapes.push_back(binding);
      known = true;
    }
    if (!known)
      throw Error(ErrorCode::kUsage,
                  "no graph of " + part.model.string() + " has an input '" + printable(binding.input, 60) + "'",
                  part.position.text());
  }
}

PartFiles files_of_folder(const SystemPart& part) {
  PartFiles files;
  files.is_folder = true;
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(part.model)) {
    if (!entry.is_regular_file()) continue;
    if (entry.path().extension() == ".onnx") found.push_back(entry.path().filename().string());
    if (is_side_file(entry.path())) files.side_files.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  std::sort(files.side_files.begin(), files.side_files.end());
  if (found.empty())
    throw Error(ErrorCode::kUsage, "the folder " + part.model.string() + " holds no .onnx file", part.position.text());
  const std::vector<std::string> names = graph_names(part, found);
  for (const PolicyOfGraph& own : part.policies) {
    if (std::find(names.begin(), names.end(), own.graph.name) == names.end()) fail(own.graph, part, names);
  }
  for (const std::string& name : names) {
    const auto own = std::find_if(part.policies.begin(), part.policies.end(),
                                  [&](const PolicyOfGraph& other) { return other.graph.name == name; });
    files.graphs.push_back({name, part.model / name, own == part.policies.end() ? part.policy : own->policy, {}});
  }
  share_shapes(part, files);
  return files;
}

}  // namespace

PartFiles files_of_part(const SystemPart& part) {
  std::error_code ignored;
  if (fs::is_directory(part.model, ignored)) return files_of_folder(part);
  check_one_file(part);
  return {false, {{part.model.filename().string(), part.model, part.policy, part.shapes}}, {}};
}

std::string output_name(const SystemPart& part, const PartFiles& files, const std::string& graph) {
  return files.is_folder ? part.name + "/" + graph : part.name + ".onnx";
}

std::string lock_name(const SystemPart& part, const PartFiles& files, const std::string& graph) {
  return part.name + (files.is_folder ? "." + fs::path(graph).stem().string() : "") + ".lock";
}

}  // namespace vetquant
