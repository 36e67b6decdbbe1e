// vetquant build: a system of several models, quantized, judged, and held against one budget; one verdict.
#include <algorithm>

#include "commands.h"
#include "judge_options.h"
#include "render_options.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"
#include "vetquant/pipeline/build.h"
#include "vetquant/pipeline/manifest_reports.h"

namespace vetquant::cli {
namespace {

using Json = nlohmann::ordered_json;

enum class Mode { kBuild, kDryRun };

struct BuildArguments {
  std::string system, folder;
  std::vector<std::string> only;
  bool dry_run = false, quick = false;
};

std::string share_text(uint64_t bytes, uint64_t of) {
  return of > 0 ? percent(static_cast<double>(bytes) / static_cast<double>(of)) : "";
}

// One line for each gate, or one that says why there is none.
std::vector<std::string> gate_cells(const PartRecord& part) {
  if (!part.built) return {"not built, bytes predicted"};
  if (!part.built->judged) return {"not judged: no test set"};
  const JudgedRecord& judged = *part.built->judged;
  std::vector<std::string> cells;
  if (!judged.failure.empty()) cells.push_back("FAILED  " + judged.failure);
  for (const GateRecord& gate : judged.gates) cells.push_back((gate.passed ? "passed  " : "FAILED  ") + gate.gate);
  if (cells.empty()) cells.push_back("judged, no gates");
  return cells;
}

std::string budget_cell(const Manifest& manifest) {
  const auto limit = manifest.limit_bytes();
  if (!limit) return "no budget";
  return (manifest.bytes() <= *limit ? "passed  " : "FAILED  ") + std::string("at most ") + std::to_string(*limit) +
         " bytes";
}

std::vector<std::string> size_cells(const std::string& name, uint64_t before, uint64_t after) {
  return {name, std::to_string(before), std::to_string(after), share_text(after, before)};
}

std::vector<std::string> all_cells(const Manifest& manifest) {
  auto cells = size_cells("all", manifest.float_bytes(), manifest.bytes());
  cells.push_back(budget_cell(manifest));
  return cells;
}

std::string failures_text(const Manifest& manifest) {
  std::string text;
  for (const PartRecord& part : manifest.parts) {
    if (!part.built || !part.built->judged) continue;
    for (const GateRecord& gate : part.built->judged->gates) {
      if (!gate.passed)
        text += definitions({{"FAILED  " + part.name + "  " + printable(gate.gate, 40), printable(gate.reason, 400)}});
    }
  }
  return text;
}

// A part's row begins; those of a folder's graphs and of further gates follow.
std::string result_text(const Manifest& manifest) {
  Table table({"part", "float bytes", "bytes", "share", "gates"}, "<>>><", 4);
  for (const PartRecord& part : manifest.parts) {
    std::vector<std::vector<std::string>> rows = {size_cells(part.name, part.float_bytes(), part.bytes())};
    if (part.graphs.size() > 1) {
      for (const GraphRecord& graph : part.graphs)
        rows.push_back(size_cells("  " + graph.graph, graph.float_bytes, graph.bytes));
    }
    const std::vector<std::string> gates = gate_cells(part);
    rows.resize(std::max(rows.size(), gates.size()), std::vector<std::string>(4));
    for (size_t r = 0; r < rows.size(); ++r) {
      rows[r].push_back(r < gates.size() ? gates[r] : "");
      table.row(rows[r]);
    }
  }
  table.row(all_cells(manifest));
  return table.text() + failures_text(manifest);
}

std::string action_text(const PlannedPart& part) {
  const std::string judged = part.part.test_set ? " and judge" : "";
  switch (part.action) {
    case Action::kQuantize:
      return "quantize" + judged + " (" + part.why + ")";
    case Action::kCopy:
      return "copy the files beside it" + judged + " (" + part.why + ")";
    case Action::kJudge:
      return "judge (" + part.why + ")";
    case Action::kNothing:
      return "nothing (up to date)";
    case Action::kLeftOut:
      break;
  }
  return "nothing (not named by --only)";
}

std::string plan_text_of(const BuildPlan& plan) {
  Table table({"part", "float bytes", "bytes", "share", "would be done"}, "<>>><", 4);
  for (const PlannedPart& part : plan.parts) {
    auto row = size_cells(part.part.name, part.record.float_bytes(), part.record.bytes());
    row.push_back(action_text(part));
    table.row(row);
    for (size_t g = 0; part.is_folder && g < part.graphs.size(); ++g) {
      const GraphRecord& graph = part.record.graphs[g];
      row = size_cells("  " + graph.graph, graph.float_bytes, graph.bytes);
      const std::string would{part.action == Action::kLeftOut ? "nothing" : name_of(part.graphs[g].action)};
      row.push_back(would + " (" + part.graphs[g].why + ")");
      table.row(row);
    }
  }
  table.row(all_cells(plan.manifest));
  return table.text();
}

std::string plan_words(const BuildPlan& plan) {
  if (plan.manifest.verdict == Verdict::kOverBudget) return plan.manifest.words + "; nothing was written";
  size_t quantized = 0, judged = 0;
  for (const PlannedPart& part : plan.parts) {
    const bool idle = part.action == Action::kNothing || part.action == Action::kLeftOut;
    quantized += part.action == Action::kQuantize ? 1 : 0;
    judged += !idle && part.part.test_set ? 1 : 0;
  }
  return "DRY RUN: would quantize " + counted(quantized, "part") + " and judge " + counted(judged, "part") +
         "; nothing was written";
}

Json document_of(const BuildPlan& plan, const Manifest& manifest, Mode mode) {
  Json parts = Json::array();
  for (const PlannedPart& part : plan.parts) {
    Json graphs = Json::array();
    for (const PlannedGraph& graph : part.graphs)
      graphs.push_back({{"graph", graph.name}, {"action", name_of(graph.action)}, {"why", graph.why}});
    parts.push_back(
        {{"part", part.part.name}, {"action", name_of(part.action)}, {"why", part.why}, {"graphs", std::move(graphs)}});
  }
  return {{"schema", "vetquant.build/2"},
          {"mode", mode == Mode::kBuild ? "build" : "dry_run"},
          {"parts", std::move(parts)},
          {"manifest", manifest_json(manifest)}};
}

int exit_code(Verdict verdict) {
  if (verdict == Verdict::kGateFailed) return static_cast<int>(ErrorCode::kGate);
  if (verdict == Verdict::kOverBudget) return static_cast<int>(ErrorCode::kBudget);
  return 0;
}

// For a dry run, too: gates are skipped there, the budget is a test.
void write_for_ci(const RenderArguments& arguments, const Manifest& manifest, const Globals& globals) {
  if (!arguments.junit.empty()) write_whole_file(arguments.junit, manifest_junit(manifest), globals.replace());
  if (!arguments.markdown.empty()) write_whole_file(arguments.markdown, manifest_markdown(manifest), globals.replace());
}

int run_command(const BuildArguments& arguments, const JudgeArguments& judging, const RenderArguments& rendering,
                const Globals& globals) {
  check_renderings_are_free(rendering, globals);
  if (!globals.report.empty()) check_output_is_free(globals.report, globals.replace());
  const System system = load_system(arguments.system);
  BuildOptions options;
  options.folder = arguments.folder;
  options.only = arguments.only;
  options.judging = arguments.quick ? Judging::kQuick : Judging::kFull;
  options.take_over = globals.replace();
  options.plugins = globals.plugins;
  options.threads = globals.threads;
  options.progress = progress_sink(globals);
  options.say = [&globals](const std::string& line) { say(globals, line); };
  const bool judged = std::any_of(system.parts.begin(), system.parts.end(),
                                  [](const SystemPart& part) { return part.test_set.has_value(); });
  if (judged) options.judge = judge_options(judging, globals);
  const BuildPlan plan = plan_build(system, options);
  const bool over = plan.manifest.verdict == Verdict::kOverBudget;
  if (arguments.dry_run || over) {
    answer(globals, document_of(plan, plan.manifest, arguments.dry_run ? Mode::kDryRun : Mode::kBuild),
           plan_text_of(plan) + plan_words(plan) + "\n");
    write_for_ci(rendering, plan.manifest, globals);
    return over ? exit_code(Verdict::kOverBudget) : 0;
  }
  const Manifest manifest = run_build(plan);
  answer(globals, document_of(plan, manifest, Mode::kBuild), result_text(manifest) + manifest.words + "\n");
  write_for_ci(rendering, manifest, globals);
  return exit_code(manifest.verdict);
}

}  // namespace

Run add_build(CLI::App& app, const Globals& globals) {
  CLI::App* command =
      app.add_subcommand("build", "Quantize and judge the models of a system under one budget; one verdict");
  auto arguments = std::make_shared<BuildArguments>();
  command->add_option("SYSTEM", arguments->system, "The system's .yaml: parts, test sets, gates, budget")->required();
  command->add_option("-o,--output", arguments->folder, "The folder to build in; what is done there is not done again")
      ->required()
      ->type_name("DIR");
  command->add_option("--only", arguments->only, "Build this part; may be given again")
      ->type_name("PART")
      ->allow_extra_args(false);
  command->add_flag("--dry-run", arguments->dry_run, "Say what would be done and how large it would be; write nothing");
  command->add_flag("--quick", arguments->quick,
                    "Judge on a part of each test set: `quick` samples of the system's file, else 100");
  const auto judging = add_judge_arguments(*command);
  add_cache_arguments(*command, *judging);
  const auto rendering = add_render_arguments(*command, Renderings::kForCi);
  return [arguments, judging, rendering, &globals] { return run_command(*arguments, *judging, *rendering, globals); };
}

}  // namespace vetquant::cli
