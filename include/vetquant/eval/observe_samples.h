// What the activations of a model are on the samples of a test set: the set's task says how the model is fed, as in judge.h.
//
// The set is cut into at most 16 parts. A process of its own runs a part, one thread in each, and what was observed is merged in
// the order of the parts: so the result hangs neither on the number of threads nor on a run that was stopped and goes on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "vetquant/core/progress.h"
#include "vetquant/eval/answer_cache.h"
#include "vetquant/eval/test_set.h"
#include "vetquant/quant/activation_observer.h"
#include "vetquant/runtime/worker.h"

namespace vetquant {

struct ObserveOptions {
  std::filesystem::path model;     // for people, and where the other parts of a speech model and their settings lie
  std::filesystem::path observed;  // the same with observers (runtime/observed_model.h)
  size_t observers = 0;
  std::filesystem::path runtime_library;
  WorkerProgram worker;
  WorkerLimits limits;
  int threads = 1;                   // processes at once
  uint64_t max_memory_bytes = 0;     // of all processes together; fewer run at once where it is short; 0: any
  std::optional<AnswerCache> cache;  // keeps what was observed, part by part
  ProgressSink progress;
};

// How many samples observe_samples runs: of a language model its documents and gaps, else the set's.
size_t observed_samples(const TestSet& set);

// [observers]. Error{kUsage}: the set does not fit the model; Error{kUnsupported}: one process alone takes more than
// max_memory_bytes, or the runtime refuses the inputs; Error{kGate}: the model crashed; Error{kInterrupted}.
std::vector<quant::ActivationObserver> observe_samples(const TestSet& set, const ObserveOptions& options);

}  // namespace vetquant
