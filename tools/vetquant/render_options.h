// Options that write a report for people and for CI beside text and JSON: the same for `eval`, `compare` and `report render`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "commands.h"
#include "vetquant/report/render.h"

namespace vetquant::cli {

struct RenderArguments {
  std::string html, junit, markdown;
  bool any() const { return !html.empty() || !junit.empty() || !markdown.empty(); }
};

enum class Renderings { kHtml, kForCi, kAll };  // kForCi: JUnit and Markdown

std::shared_ptr<RenderArguments> add_render_arguments(CLI::App& command, Renderings which);
void check_renderings_are_free(const RenderArguments& arguments, const Globals& globals);  // before the long work
void write_renderings(const RenderArguments& arguments, const ReportData& data, const Globals& globals);

// Reports of compare and quantize bring weights; at most one of all has a judgement. Error{kUsage}.
ReportData load_reports(const std::vector<std::string>& paths, ReportData data = {});

}  // namespace vetquant::cli
