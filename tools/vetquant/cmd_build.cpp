// vetquant build: a system of several models, quantized, judged, and held against one budget; one verdict.
#include <algorithm>

#include "commands.h"
#include "judge_options.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"
#include "vetquant/pipeline/build.h"

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

std::string result_text(const Manifest& manifest) {
  Table table({"part", "float bytes", "bytes", "share", "gates"}, "<>>><", 4);
  for (const PartRecord& part : manifest.parts) {
    std::vector<std::string> row = {part.name, std::to_string(part.float_bytes), std::to_string(part.bytes),
                                    share_text(part.bytes, part.float_bytes), ""};
    for (const std::string& cell : gate_cells(part)) {
      row.back() = cell;
      table.row(row);
      row.assign(row.size(), "");
    }
  }
  table.row({"all", std::to_string(manifest.float_bytes()), std::to_string(manifest.bytes()),
             share_text(manifest.bytes(), manifest.float_bytes()), budget_cell(manifest)});
  return table.text() + failures_text(manifest);
}

std::string action_text(const PlannedPart& part) {
  switch (part.action) {
    case Action::kQuantize:
      return std::string(part.part.test_set ? "quantize and judge" : "quantize") + " (" + part.why + ")";
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
    table.row({part.part.name, std::to_string(part.record.float_bytes), std::to_string(part.record.bytes),
               share_text(part.record.bytes, part.record.float_bytes), action_text(part)});
  }
  const Manifest& manifest = plan.manifest;
  table.row({"all", std::to_string(manifest.float_bytes()), std::to_string(manifest.bytes()),
             share_text(manifest.bytes(), manifest.float_bytes()), budget_cell(manifest)});
  return table.text();
}

std::string plan_words(const BuildPlan& plan) {
  if (plan.manifest.verdict == Verdict::kOverBudget) return plan.manifest.words + "; nothing was written";
  size_t quantized = 0, judged = 0;
  for (const PlannedPart& part : plan.parts) {
    const bool quantize = part.action == Action::kQuantize;
    quantized += quantize ? 1 : 0;
    judged += part.action == Action::kJudge || (quantize && part.part.test_set) ? 1 : 0;
  }
  return "DRY RUN: would quantize " + counted(quantized, "part") + " and judge " + counted(judged, "part") +
         "; nothing was written";
}

Json document_of(const BuildPlan& plan, const Manifest& manifest, Mode mode) {
  Json parts = Json::array();
  for (const PlannedPart& part : plan.parts)
    parts.push_back({{"part", part.part.name}, {"action", name_of(part.action)}, {"why", part.why}});
  return {{"schema", "vetquant.build/1"},
          {"mode", mode == Mode::kBuild ? "build" : "dry_run"},
          {"parts", std::move(parts)},
          {"manifest", manifest_json(manifest)}};
}

int exit_code(Verdict verdict) {
  if (verdict == Verdict::kGateFailed) return static_cast<int>(ErrorCode::kGate);
  if (verdict == Verdict::kOverBudget) return static_cast<int>(ErrorCode::kBudget);
  return 0;
}

int run_command(const BuildArguments& arguments, const JudgeArguments& judging, const Globals& globals) {
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
    return over ? exit_code(Verdict::kOverBudget) : 0;
  }
  const Manifest manifest = run_build(plan);
  answer(globals, document_of(plan, manifest, Mode::kBuild), result_text(manifest) + manifest.words + "\n");
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
  return [arguments, judging, &globals] { return run_command(*arguments, *judging, globals); };
}

}  // namespace vetquant::cli
