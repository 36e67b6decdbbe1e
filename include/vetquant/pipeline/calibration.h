// Statistics of a model's activations, wherever they come from: one call for `calibrate`, and for `--calibration` of plan and
// quantize.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/core/progress.h"
#include "vetquant/eval/answer_cache.h"
#include "vetquant/pipeline/pipeline.h"
#include "vetquant/quant/activation_statistics.h"
#include "vetquant/runtime/worker.h"

namespace vetquant {

struct CalibrationOptions {
  quant::RangeSettings range;
  std::filesystem::path runtime_library;  // as found by find_runtime_library
  WorkerProgram worker;
  WorkerLimits limits;
  int threads = 0;                   // processes at once; 0: as many as there are processors
  uint64_t max_memory_bytes = 0;     // of all of them together; 0: any
  std::optional<AnswerCache> cache;  // nullopt: every sample is run
  ProgressSink progress;
};

// `calibration`: a test set, a .npz of inputs, or a statistics file, which is read as it is (`options` then say nothing). The
// result is the same to the byte for any number of threads. Errors: of load_test_set, read_statistics, observed_model and
// observe_samples.
quant::ActivationStatistics obtain_statistics(const Source& source, const std::filesystem::path& calibration,
                                              const CalibrationOptions& options);

// What one should know before relying on them, a line each: tensors that no sample reached, that never change, that held NaN
// or infinities.
std::vector<std::string> doubts_about(const quant::ActivationStatistics& statistics);

}  // namespace vetquant
