// One function per subcommand: it describes its options to CLI11 and returns what to do when it was called. main.cpp holds
// the table, catches errors and exits; nothing else does.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/core/output_file.h"
#include "vetquant/core/progress.h"

namespace vetquant::cli {

// Options that every subcommand takes; they may stand before or after its name.
struct Globals {
  bool json = false;   // stdout is one JSON document
  std::string report;  // write that document to a file, too
  int threads = 0;
  bool overwrite = false;
  bool quiet = false;
  bool verbose = false;
  std::vector<std::string> plugins;
  Replace replace() const { return overwrite ? Replace::kYes : Replace::kNo; }
};

using Run = std::function<int()>;  // returns the exit code

Run add_inspect(CLI::App& app, const Globals& globals);
Run add_plan(CLI::App& app, const Globals& globals);
Run add_quantize(CLI::App& app, const Globals& globals);
Run add_eval(CLI::App& app, const Globals& globals);
Run add_compare(CLI::App& app, const Globals& globals);
Run add_build(CLI::App& app, const Globals& globals);
Run add_report(CLI::App& app, const Globals& globals);
Run add_calibrate(CLI::App& app, const Globals& globals);
Run add_policy(CLI::App& app, const Globals& globals);
Run add_targets(CLI::App& app, const Globals& globals);
Run add_presets(CLI::App& app, const Globals& globals);
Run add_version(CLI::App& app, const Globals& globals);

// The answer: `document` as JSON with --json, else `text`; and the document into --report's file. stdout only.
void answer(const Globals& globals, const nlohmann::ordered_json& document, const std::string& text);

// The conversation: one line on stderr, not with -q.
void say(const Globals& globals, const std::string& line);

// A bar with rate and time left on a terminal; elsewhere a plain line every 10 s ($VETQUANT_PROGRESS_SECONDS: another
// number; Error{kUsage} if it is none); nothing with -q.
ProgressSink progress_sink(const Globals& globals);

// "IN=1x80x3000"
std::vector<std::pair<std::string, std::vector<int64_t>>> parse_shapes(const std::vector<std::string>& texts);

// A table whose columns are as wide as their widest cell; `right` columns are aligned to the right. Cells of the `elastic`
// column are shortened in the middle where a line would be longer than `width`.
class Table {
 public:
  explicit Table(std::vector<std::string> header, std::string right = "", size_t elastic = 0, size_t width = 100);
  void row(std::vector<std::string> cells);
  std::string text() const;
  bool empty() const { return rows_.empty(); }

 private:
  std::vector<std::string> header_;
  std::string right_;  // one character a column: '>' right, anything else left
  size_t elastic_, width_;
  std::vector<std::vector<std::string>> rows_;
};

std::string shorten_middle(const std::string& text, size_t width);  // "/encoder/…/fc1/MatMul", counts code points
// "name   what it is", the second part wrapped at `width` columns beside the names.
std::string definitions(const std::vector<std::pair<std::string, std::string>>& entries, size_t width = 100);

}  // namespace vetquant::cli
