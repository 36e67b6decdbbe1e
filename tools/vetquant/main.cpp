// The command line: parses, calls, prints errors, exits. Exit codes: docs/exit-codes.md.
#include <csignal>
#include <cstdio>
#include <iostream>
#include <new>

#include "cmd_check.h"
#include "commands.h"
#include "vetquant/core/error.h"
#include "vetquant/core/interrupt.h"
#include "vetquant/runtime/worker.h"

namespace {

using vetquant::cli::Globals;
using vetquant::cli::Run;

struct Command {
  Run (*add)(CLI::App&, const Globals&);
};

constexpr Command kCommands[] = {
    {vetquant::cli::add_inspect}, {vetquant::cli::add_plan},    {vetquant::cli::add_quantize},
    {vetquant::cli::add_eval},    {vetquant::cli::add_compare}, {vetquant::cli::add_policy},
    {vetquant::cli::add_targets}, {vetquant::cli::add_presets}, {vetquant::cli::add_version},
    {vetquant::cli::add_report},  {vetquant::cli::add_build},   {vetquant::cli::add_calibrate},
    {vetquant::cli::add_check},
};

void add_global_options(CLI::App& app, Globals& globals) {
  app.add_flag("--json", globals.json, "Print one JSON document on stdout instead of text");
  app.add_option("--report", globals.report, "Write that JSON document to a file as well")->type_name("FILE");
  app.add_option("--threads", globals.threads, "Threads to use (default: all processors of this process)")
      ->check(CLI::Range(1, 1024));
  app.add_flag("--overwrite", globals.overwrite, "Replace outputs that exist");
  app.add_flag("-q,--quiet", globals.quiet, "Errors only on stderr");
  app.add_flag("-v,--verbose", globals.verbose, "Say more on stderr");
  app.add_option("--plugin", globals.plugins, "Load quantization algorithms from a shared library")->type_name("FILE");
}

int run(int argc, char** argv) {
  CLI::App app{"vetquant: quantizes ONNX models as a policy says, and proves what it cost", "vetquant"};
  app.require_subcommand(1);
  app.fallthrough();
  app.set_version_flag("--version", std::string("vetquant ") + VETQUANT_VERSION);
  app.footer(
      "Documentation: README.md and docs/. Exit codes: 0 done, 2 usage, 3 unsupported, 4 bad model, 5 I/O, 6 gate, 7 "
      "budget.");
  Globals globals;
  add_global_options(app, globals);
  Run chosen;
  for (const Command& command : kCommands) {
    const size_t before = app.get_subcommands({}).size();
    Run action = command.add(app, globals);
    CLI::App* added = app.get_subcommands({}).at(before);
    added->final_callback([&chosen, action] { chosen = action; });
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? 0 : static_cast<int>(vetquant::ErrorCode::kUsage);
  }
  return chosen();
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto status = vetquant::run_as_worker(argc, argv)) return *status;  // a model that another vetquant judges
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit is an error of write(2), not the end
  vetquant::interrupt::install_handlers();
  try {
    const int code = run(argc, argv);
    if (std::fflush(stdout) != 0 || !std::cout.flush()) {
      std::fputs("vetquant: stdout cannot be written\n", stderr);
      return static_cast<int>(vetquant::ErrorCode::kIo);
    }
    return code;
  } catch (const vetquant::Error& error) {
    std::fprintf(stderr, "vetquant: %s\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::bad_alloc&) {
    std::fputs("vetquant: out of memory\n", stderr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "vetquant: internal error: %s\n", error.what());
  }
  return static_cast<int>(vetquant::ErrorCode::kInternal);
}
