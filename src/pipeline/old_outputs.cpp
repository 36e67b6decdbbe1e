// What earlier builds left and this one has no use for.
#include <algorithm>
#include <set>

#include "build_steps.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;

// "<stem>.<16 hexadecimal digits>.weights": a name that only a sidecar of this output has.
bool is_sidecar_of(const std::string& stem, const std::string& file) {
  constexpr std::string_view kEnding = ".weights";
  constexpr size_t kDigits = 16;
  if (!file.starts_with(stem + ".") || !file.ends_with(kEnding)) return false;
  if (file.size() != stem.size() + 1 + kDigits + kEnding.size()) return false;
  return file.substr(stem.size() + 1, kDigits).find_first_not_of("0123456789abcdef") == std::string::npos;
}

void remove_file(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_regular_file(fs::symlink_status(path, ignored))) fs::remove(path, ignored);
}

}  // namespace

void remove_old_outputs(const PlannedPart& part, const BuildPlan& plan) {
  const fs::path& folder = plan.options.folder;
  std::set<std::string> current;
  for (const PartRecord& record : plan.manifest.parts) {
    for (const OutputRecord& output : record.outputs()) current.insert(output.file);
  }
  for (const OutputRecord& old : part.before ? part.before->outputs() : std::vector<OutputRecord>{}) {
    const auto path = place_of(folder, old);
    if (path && !current.contains(old.file)) remove_file(*path);
  }
  // A build that was ended after it wrote a sidecar told nobody.
  for (const PlannedGraph& graph : part.graphs) {
    const fs::path output(graph.output);
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(folder / output.parent_path(), failed)) {
      const std::string file = entry.path().filename().string();
      const bool old =
          is_sidecar_of(output.stem().string(), file) && !current.contains((output.parent_path() / file).string());
      if (old) remove_file(entry.path());
    }
  }
}

}  // namespace vetquant
