// Models on a test set, each in a process of its own; the first question is what a model costs and how it differs from the
// baseline, with intervals. One model's crash is its result; the others go on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/core/progress.h"
#include "vetquant/eval/answer_cache.h"
#include "vetquant/eval/error_example.h"
#include "vetquant/eval/metric.h"
#include "vetquant/eval/stored_weights.h"
#include "vetquant/eval/test_set.h"
#include "vetquant/runtime/worker.h"

namespace vetquant {

enum class CountOperators { kNo, kYes };

struct JudgeOptions {
  std::vector<std::filesystem::path> models;
  size_t baseline = 0;                    // index into models
  std::filesystem::path runtime_library;  // as found by find_runtime_library
  SessionOptions session;
  WorkerProgram worker;
  WorkerLimits limits;
  int warm_up_runs = 3;
  int timed_rounds = 20;   // each model once a round, in the order ABBA; 0: no latency
  int models_at_once = 1;  // while answers are collected; never while time is taken
  CountOperators count_operators = CountOperators::kYes;
  StatisticsSettings statistics;
  std::optional<AnswerCache> cache;  // nullopt: every answer is computed, none is kept
  ProgressSink progress;
};

struct ModelResult {
  std::filesystem::path path;
  std::string name;     // the file's stem, or the path where stems are equal
  std::string failure;  // how it failed, or ""
  std::vector<TensorInfo> inputs, outputs;
  std::map<std::string, uint64_t> operators_written, operators;  // in the file; after the runtime's optimizations
  std::string operators_note;                                    // why they are not there
  std::vector<Metric> metrics;                                   // accuracy (none where it failed), size, time, memory
  std::vector<std::vector<uint64_t>> confusion;                  // [truth][answer]; classification
  std::vector<StoredWeightBytes> weights;                        // empty where vetquant cannot read the file
  std::vector<ErrorExample> examples;                            // see error_example.h; filled by tasks that have texts
};

struct Judgement {
  std::string set_name, set_path, set_license, set_digest, task, unit;
  std::string normalisation;                    // of texts, by name (spoken_text.h); "" where none are compared
  size_t samples = 0, steps = 0, clusters = 0;  // clusters 0: every sample is resampled on its own
  std::vector<std::string> labels;
  std::string runtime_version, session;  // options in words
  int warm_up_runs = 0, timed_rounds = 0, resamples = 0;
  std::vector<double> confidences_pct;
  size_t baseline = 0;
  std::vector<ModelResult> models;
};

// Error{kIo}: a model is not there; Error{kUsage}: the test set does not fit the baseline; Error{kInterrupted}.
Judgement judge(const TestSet& set, const JudgeOptions& options);

const Metric* find_metric(const ModelResult& model, const std::string& key, const std::string& output = {});

}  // namespace vetquant
