// What of an earlier build still holds, so that it need not be done again.
#include <algorithm>

#include "build_steps.h"
#include "vetquant/core/error.h"
#include "vetquant/core/hash.h"
#include "vetquant/eval/reduced_set.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kActions[] = {"quantize", "copy", "judge", "nothing", "left_out"};
constexpr const char* kUpToDate = "up to date";

std::string file_digest(const fs::path& path) { return digest_of(*ReadFile::open(path, ErrorCode::kUsage)); }

std::string plugins_text(const std::vector<std::string>& plugins) {
  std::string text;
  for (const std::string& plugin : plugins) text += file_digest(plugin) + " ";
  return text;
}

std::string shapes_text(const std::vector<ShapeBinding>& shapes) {
  std::string text;
  for (const ShapeBinding& binding : shapes) {
    text += binding.input + ":";
    for (const int64_t dim : binding.shape) text += " " + std::to_string(dim);
    text += "\n";
  }
  return text;
}

Ingredients made_from(const Prepared& p, const BuildOptions& options) {
  return {{"vetquant", kVersion},
          {"model", p.model->digest()},
          {"policy", p.policy.digest},
          {"target", p.target.digest},
          {"sidecar", std::to_string(static_cast<int>(p.request.sidecar))},
          {"shapes", shapes_text(p.request.shapes)},
          {"plugins", plugins_text(options.plugins)}};
}

std::string judging_text(const JudgeOptions& o) {
  std::string text = describe(o.session) + ", warm-up " + std::to_string(o.warm_up_runs) + ", rounds " +
                     std::to_string(o.timed_rounds) + ", resamples " + std::to_string(o.statistics.resamples);
  if (o.limits.timeout.count() > 0) text += ", timeout " + std::to_string(o.limits.timeout.count()) + " ms";
  if (o.limits.memory_bytes > 0) text += ", memory " + std::to_string(o.limits.memory_bytes);
  if (o.count_operators == CountOperators::kNo) text += ", operators not counted";
  return text;
}

Ingredients judged_with(const PlannedPart& planned, const BuildOptions& options) {
  if (!planned.part.test_set) return {};
  std::string gates;
  for (const Gate& gate : planned.gates)
    gates += gate.text + " @" + std::to_string(gate.confidence_pct) + "\n";  // a policy's gates do not spell it out
  const auto quick = quick_samples(planned.part, options);
  return {{"test set", content_digest(*planned.part.test_set)},
          {"gates", gates},
          {"options", judging_text(*options.judge)},
          {"runtime", file_digest(options.judge->runtime_library)},
          {"quick", quick ? std::to_string(*quick) : "no"}};
}

std::string damaged_words(const std::string& file) { return file + " is not as it was written"; }

// Keeps in `record` what of the earlier one holds.
void find_graph(PlannedGraph& graph, GraphRecord& record, const std::optional<PartRecord>& before,
                const fs::path& folder) {
  graph.why = "not built yet";
  if (!before) return;
  const auto earlier = std::find_if(before->graphs.begin(), before->graphs.end(),
                                    [&](const GraphRecord& other) { return other.graph == graph.name && other.made; });
  if (earlier == before->graphs.end()) return;
  const MadeRecord& made = *earlier->made;
  if (made.files.empty() || made.files[0].file != graph.output) return;  // of another layout
  if (const auto changed = first_difference(made.made_from, graph.made_from)) {
    graph.why = *changed + " changed";
  } else if (const auto damaged = first_damaged(folder, made.files)) {
    graph.why = damaged_words(*damaged);
  } else {
    graph.action = Action::kNothing;
    graph.why = kUpToDate;
    record.made = made;
  }
}

// Why the graphs that are there are not yet the part: files beside them must be copied, or one is too many. "" where they are.
std::string why_copy(const PlannedPart& planned, const fs::path& folder) {
  const auto& built = planned.before ? planned.before->built : std::nullopt;
  if (!built) return planned.side_files.empty() ? "" : "not built yet";
  const std::vector<OutputRecord>& copied = built->copied;
  for (const SideFile& side : planned.side_files) {
    const bool same = std::any_of(copied.begin(), copied.end(), [&](const OutputRecord& other) {
      return other.file == side.output.file && other.digest == side.output.digest;
    });
    if (!same) return side.source.filename().string() + " changed";
  }
  if (copied.size() != planned.side_files.size()) return "a file beside the graphs is gone";
  if (planned.before->graphs.size() != planned.graphs.size()) return "a graph is gone";
  const auto damaged = first_damaged(folder, copied);
  return damaged ? damaged_words(*damaged) : "";
}

// All is made: is it judged as it is to be?
void find_judged(PlannedPart& planned, const fs::path& folder) {
  BuiltRecord& built = *planned.record.built;
  planned.action = Action::kNothing;
  planned.why = kUpToDate;
  if (!planned.part.test_set) {
    built.judged.reset();
    built.reports.clear();
    return;
  }
  const auto changed = first_difference(built.judged ? built.judged->judged_with : Ingredients{}, planned.judged_with);
  const auto damaged = first_damaged(folder, built.reports);
  if (built.judged && !changed && !damaged) return;
  planned.action = Action::kJudge;
  planned.why = !built.judged ? "not judged yet" : changed ? *changed + " changed" : damaged_words(*damaged);
}

void find_part(PlannedPart& planned, const BuildOptions& options) {
  const PlannedGraph* first = nullptr;  // that is to be done
  for (size_t g = 0; g < planned.graphs.size(); ++g) {
    PlannedGraph& graph = planned.graphs[g];
    find_graph(graph, planned.record.graphs[g], planned.before, options.folder);
    if (!first && graph.action == Action::kQuantize) first = &graph;
  }
  const std::string copy = why_copy(planned, options.folder);
  if (first) {
    planned.action = Action::kQuantize;
    planned.why = (planned.is_folder && first->why != "not built yet" ? first->name + ": " : "") + first->why;
  } else if (!copy.empty()) {
    planned.action = Action::kCopy;
    planned.why = copy;
  } else {
    planned.record.built = planned.before->built.value_or(BuiltRecord{});
    find_judged(planned, options.folder);
  }
}

// Judged with other options, it stays a verdict on the same test set and gates: a part that --only leaves out keeps it.
bool same_question(const std::optional<JudgedRecord>& judged, const Ingredients& now) {
  if (!judged) return false;
  const auto same = [&](const char* label) {
    const auto before = judged->judged_with.find(label), wanted = now.find(label);
    return before != judged->judged_with.end() && wanted != now.end() && before->second == wanted->second;
  };
  return same("test set") && same("gates");
}

void leave_out(PlannedPart& planned, const fs::path& folder) {
  if (planned.action == Action::kNothing) return;
  const auto& built = planned.record.built;
  const bool kept = planned.action == Action::kJudge && same_question(built->judged, planned.judged_with) &&
                    !first_damaged(folder, built->reports);
  planned.action = Action::kLeftOut;
  planned.why = "not named by --only; " + planned.why;
  if (!kept) planned.record.built.reset();
}

}  // namespace

std::string_view name_of(Action action) { return kActions[static_cast<size_t>(action)]; }

std::optional<size_t> quick_samples(const SystemPart& part, const BuildOptions& options) {
  if (options.judging == Judging::kFull) return std::nullopt;
  return part.quick.value_or(kDefaultQuick);
}

void find_done(BuildPlan& plan) {
  const BuildOptions& options = plan.options;
  const auto manifest = load_manifest(options.folder);
  for (PlannedPart& planned : plan.parts) {
    if (const PartRecord* record = manifest ? manifest->find(planned.part.name) : nullptr) planned.before = *record;
    const bool wanted = options.only.empty() ||
                        std::find(options.only.begin(), options.only.end(), planned.part.name) != options.only.end();
    if (wanted || planned.before) {
      for (PlannedGraph& graph : planned.graphs) graph.made_from = made_from(*graph.prepared, options);
      planned.judged_with = judged_with(planned, options);
    }
    find_part(planned, options);
    if (!wanted) leave_out(planned, options.folder);
  }
}

}  // namespace vetquant
