// Options that say what is to be quantized and how: the same for `plan` and `quantize`.
#pragma once

#include <memory>

#include "commands.h"
#include "judge_options.h"
#include "vetquant/pipeline/calibration.h"
#include "vetquant/pipeline/pipeline.h"

namespace vetquant::cli {

struct RequestOptions {
  Request request;
  std::string target, sidecar = "auto", explain, lock;
  std::vector<std::string> shapes;
  bool policy_named = false;
  CLI::Option* policy = nullptr;
};

// The options live as long as the command's action, which holds the pointer.
std::shared_ptr<RequestOptions> add_request_options(CLI::App& command);
Request request_of(const RequestOptions& options, const Globals& globals);

// How samples are run: library, process, cache, threads, progress.
void take_run_options(const JudgeArguments& judging, const Globals& globals, CalibrationOptions& options);

}  // namespace vetquant::cli
