#include "render_options.h"

#include "vetquant/core/error.h"

namespace vetquant::cli {

std::shared_ptr<RenderArguments> add_render_arguments(CLI::App& command, Renderings which) {
  auto arguments = std::make_shared<RenderArguments>();
  if (which != Renderings::kForCi)
    command.add_option("--html", arguments->html, "Write one self-contained HTML page")->type_name("FILE");
  if (which == Renderings::kHtml) return arguments;
  command.add_option("--junit", arguments->junit, "Write JUnit XML: each gate is a test case")->type_name("FILE");
  command.add_option("--markdown", arguments->markdown, "Write a summary for a pull request")->type_name("FILE");
  return arguments;
}

void check_renderings_are_free(const RenderArguments& arguments, const Globals& globals) {
  for (const std::string* path : {&arguments.html, &arguments.junit, &arguments.markdown}) {
    if (!path->empty()) check_output_is_free(*path, globals.replace());
  }
}

void write_renderings(const RenderArguments& arguments, const ReportData& data, const Globals& globals) {
  if (!arguments.html.empty()) write_whole_file(arguments.html, report_html(data), globals.replace());
  if (!arguments.junit.empty()) write_whole_file(arguments.junit, report_junit(data), globals.replace());
  if (!arguments.markdown.empty()) write_whole_file(arguments.markdown, report_markdown(data), globals.replace());
}

ReportData load_reports(const std::vector<std::string>& paths, ReportData data) {
  for (const std::string& path : paths) {
    ReportData more = load_report(path);
    if (more.judgement && data.judgement)
      throw Error(ErrorCode::kUsage,
                  "is a second judgement; a page shows one, and weights of any number of compare --weights-only or "
                  "quantize reports",
                  path);
    if (more.judgement) {
      data.judgement = std::move(more.judgement);
      data.gates = std::move(more.gates);
    }
    for (WeightErrors& weights : more.weights) data.weights.push_back(std::move(weights));
  }
  return data;
}

}  // namespace vetquant::cli
