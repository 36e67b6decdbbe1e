// How long matrix products take in each output form on this machine: random models of one operator, written by vetquant itself,
// run beside their float model.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "vetquant/core/progress.h"
#include "vetquant/policy/target.h"
#include "vetquant/runtime/worker.h"

namespace vetquant {

struct MeasureSettings {
  std::filesystem::path runtime_library;
  WorkerProgram worker;
  int threads = 1;     // of each session
  int rounds = 9;      // each model once a round, ABBA
  bool quick = false;  // one small matrix at three numbers of rows: rough, in seconds
  ProgressSink progress;
};

// Shares are medians of paired rounds, rounded to three digits; the source names runtime and session. `target` says how its forms store weights (7 bits where
// products saturate). Errors: those of quantizing and judging; Error{kIo} where the temporary folder is full.
CostTable measure_costs(const TargetProfile& target, const MeasureSettings& settings);

}  // namespace vetquant
