// Which statically quantized nodes break a model, found by running it, and put back: to float, or to 16-bit activations.
//
// The model is run on a few of the calibration's samples with its quantization behind switches (emit/simulation.h).
//  1. What each part makes: one value, or one weight, is rounded and all the rest is float, which tells the noise that this
//     part alone brings to the outputs, apart from what other parts hand down to it. (Putting one part of a broken model back
//     tells little: what is left still breaks it.)
//  2. Greedily: a step puts back the nodes around one value (or one weight). By the first measurement, noises taken as
//     independent, the steps that take most noise off for the nodes and weights that they give up are chosen, planned anew
//     (neighbours between float nodes follow, shared ranges fall apart), and run; the best of those that were run is taken.
// It ends where every output reaches the target, where the policy's share of nodes is used up, or where no step helps. The
// result hangs on neither threads nor time: same model, policy and samples, same nodes.
//
// Runs: one for each value and weight, and at most kSelfCheckTrials for each step. Memory: the samples' inputs and outputs,
// and a process with the float and the coded weights for each thread.
#pragma once

#include <filesystem>

#include "vetquant/core/progress.h"
#include "vetquant/pipeline/pipeline.h"
#include "vetquant/runtime/worker.h"

namespace vetquant {

struct SelfCheckSubject {
  const Model& model;  // as rewritten for static activations
  const GraphIndex& index;
  const ConstantFinder& constants;
  const Policy& policy;  // with self_check
  const TargetProfile& target;
  const PlanOptions& options;  // nothing put back yet
  const Plan& plan;
};

struct SelfCheckOptions {
  std::filesystem::path samples;  // a test set, or a .npz of inputs
  std::filesystem::path runtime_library;
  WorkerProgram worker;
  WorkerLimits limits;
  int threads = 0;                           // processes at once; 0: as many as there are processors
  const AlgorithmSet* algorithms = nullptr;  // of weights
  ProgressSink progress;
};

inline constexpr size_t kSelfCheckTrials = 4;

// Error{kUsage}: the samples go through several steps, or are sound or text (they need a model's surroundings); errors of
// load_test_set, emit_simulation and the worker.
SelfChecked find_nodes_to_put_back(const SelfCheckSubject& subject, const SelfCheckOptions& options);

}  // namespace vetquant
