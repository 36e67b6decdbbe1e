// Options that say how models are run and timed: the same for `eval` and `compare`.
#pragma once

#include <memory>

#include "commands.h"
#include "vetquant/eval/judge.h"

namespace vetquant::cli {

struct JudgeArguments {
  std::string runtime_library, optimization = "all", cache;
  std::vector<std::string> config, dims;
  double timeout_s = 0, confidence = 95;
  uint64_t max_memory_mb = 0;
  int runs = 20, warm_up = 3, resamples = 2000;
  RandomSettings random;
  bool no_operators = false, no_cache = false, may_cache = false;
};

std::shared_ptr<JudgeArguments> add_judge_arguments(CLI::App& command);
// Answers are kept from run to run: of `eval` and `build`.
void add_cache_arguments(CLI::App& command, JudgeArguments& arguments);
void add_random_arguments(CLI::App& command, JudgeArguments& arguments);
JudgeOptions judge_options(const JudgeArguments& arguments, const Globals& globals);
RandomSettings random_settings(const JudgeArguments& arguments);

}  // namespace vetquant::cli
