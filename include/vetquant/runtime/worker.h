// A model judged in a child process of its own. A crash, an abort, an endless loop or a lack of memory of one model is a
// result (Error{kGate} that says how the process ended), not the end of the judge.
//
// The child is the program itself, started anew with a hidden subcommand (WorkerProgram); it speaks a framed binary
// protocol (src/runtime/message.h) over a socket whose number is its last argument, so that nothing that the runtime prints can
// disturb it. What it prints on stderr is kept, and its last line is quoted when it dies.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vetquant/runtime/memory.h"
#include "vetquant/runtime/session.h"
#include "vetquant/runtime/tensor.h"

namespace vetquant {

inline constexpr const char* kWorkerCommand = "--judge-worker";

struct WorkerProgram {
  std::filesystem::path path = "/proc/self/exe";
  std::vector<std::string> arguments = {kWorkerCommand};  // the socket's number is appended
};

struct WorkerLimits {
  std::chrono::milliseconds timeout{0};  // for each request; 0: none
  uint64_t memory_bytes = 0;             // address space of the child (RLIMIT_AS); 0: none
};

struct OpenedModel {
  std::string runtime_version;
  double load_ms = 0;
  std::vector<TensorInfo> inputs, outputs;
  MemoryUse before, after;  // the session was made
};

// A run of one of the worker's models in which tensors need not travel: a decoder's caches stay where they are.
struct HeldRun {
  struct Link {
    std::string own;   // the model's input or output
    std::string held;  // the name under which the child keeps the tensor
  };
  size_t model = 0;                     // in the order of open()
  std::span<const NamedTensor> inputs;  // sent
  std::vector<Link> held_inputs;        // taken from what the child keeps, and kept on; each once
  std::vector<std::string> wanted;      // outputs that come back
  std::vector<Link> kept_outputs;       // outputs that the child keeps, in place of what had that name
};

struct HeldAnswer {
  std::vector<NamedTensor> outputs;
  double run_ms = 0;  // between call and return of the runtime
};

class Worker {
 public:
  Worker(const WorkerProgram& program, const WorkerLimits& limits);
  ~Worker();  // ends the child
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Each throws Error{kGate} where the child died or timed out (every later call too), Error{kInterrupted} on ^C, and what
  // the child's session threw.
  // Called again it opens one more model beside those that are open.
  OpenedModel open(const std::filesystem::path& library, const std::filesystem::path& model,
                   const SessionOptions& options);
  // Of the model opened first.
  std::vector<NamedTensor> run(std::span<const NamedTensor> inputs, const std::vector<std::string>& wanted = {});
  // Runs the inputs of the latest run() once more; nothing comes back but the time between call and return of the runtime.
  double time_again_ms();
  HeldAnswer run_held(const HeldRun& run);
  MemoryUse memory();
  // Of models that were opened with observers: what they saw since the last sample is one sample;
  void end_sample();
  // what they saw since they were last taken, one by one.
  std::vector<quant::ActivationObserver> take_observed();
  // Loads the model once more; meant for a worker that is not measured.
  std::map<std::string, uint64_t> optimized_operators(const std::filesystem::path& library,
                                                      const std::filesystem::path& model, const SessionOptions& options,
                                                      const std::filesystem::path& folder);

  int process_id() const;
  void abandon();  // the child is told to end, and may take its time; only the destructor is of use after this

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The child's side: serves requests on `descriptor` until the other end closes. Returns the exit status.
int run_worker(int descriptor);

// For main(): if the arguments are those of a worker, serves and returns its exit status; else nothing.
std::optional<int> run_as_worker(int argc, char** argv);

}  // namespace vetquant
