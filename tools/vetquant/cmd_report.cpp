// vetquant report: stored reports as pages, test cases and summaries; and what changed between two of them.
#include "commands.h"
#include "render_options.h"
#include "vetquant/core/error.h"
#include "vetquant/report/report_diff.h"

namespace vetquant::cli {
namespace {

struct DiffArguments {
  std::string before, after;
  std::vector<std::string> ignored;
  bool gate = false;
};

int run_render(const std::vector<std::string>& reports, const RenderArguments& rendering, const Globals& globals) {
  if (!rendering.any())
    throw Error(ErrorCode::kUsage, "nothing to write: name a file with --html, --junit or --markdown", "report render");
  check_renderings_are_free(rendering, globals);
  write_renderings(rendering, load_reports(reports), globals);
  return 0;
}

int run_diff(const DiffArguments& arguments, const Globals& globals) {
  if (!globals.report.empty()) check_output_is_free(globals.report, globals.replace());
  const ReportDiff diff = diff_reports(load_report(arguments.before), load_report(arguments.after),
                                       {arguments.before, arguments.after}, arguments.ignored);
  answer(globals, report_diff_json(diff), report_diff_text(diff));
  if (!arguments.gate || !got_worse(diff)) return 0;
  say(globals, "vetquant: something got worse beyond noise: see the lines that say WORSE or FAILED");
  return static_cast<int>(ErrorCode::kGate);
}

}  // namespace

Run add_report(CLI::App& app, const Globals& globals) {
  CLI::App* command = app.add_subcommand("report", "Stored reports: render them, or compare two builds");
  command->require_subcommand(1);
  CLI::App* render = command->add_subcommand("render", "Write a stored report as HTML, JUnit XML or Markdown");
  auto reports = std::make_shared<std::vector<std::string>>();
  render->add_option("REPORT", *reports, "A report of eval, and any number of compare --weights-only or quantize")
      ->required();
  const auto rendering = add_render_arguments(*render, Renderings::kAll);
  CLI::App* diff = command->add_subcommand("diff", "What got better or worse beyond noise from one build to the next");
  auto arguments = std::make_shared<DiffArguments>();
  diff->add_option("BEFORE", arguments->before, "The earlier report of eval")->required();
  diff->add_option("AFTER", arguments->after, "The later one, on the same test set")->required();
  diff->add_flag("--gate-regressions", arguments->gate, "Exit code 6 where something got worse beyond noise");
  diff->add_option("--ignore", arguments->ignored, "A metric that is not compared, such as latency_ms")
      ->type_name("METRIC")
      ->allow_extra_args(false);
  return [reports, rendering, arguments, diff, &globals] {
    return diff->parsed() ? run_diff(*arguments, globals) : run_render(*reports, *rendering, globals);
  };
}

}  // namespace vetquant::cli
