// A model loaded by ONNX Runtime in this process. Judged models are loaded in processes of their own: see worker.h.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "vetquant/quant/activation_observer.h"
#include "vetquant/runtime/library.h"
#include "vetquant/runtime/tensor.h"

namespace vetquant {

enum class Optimization { kNone, kBasic, kExtended, kAll };

struct SessionOptions {
  int threads = 1;                                 // within an operator; operators run one after another
  Optimization optimization = Optimization::kAll;  // the runtime's default
  std::vector<std::pair<std::string, std::string>>
      config;                             // session config entries, such as session.disable_quant_qdq = 1
  size_t observers = 0;                   // that nodes Observe of the model name (observed_model.h)
  std::filesystem::path optimized_model;  // where the runtime shall save what it made of the graph, or empty
};

// "1 thread, all optimizations, session.disable_quant_qdq=1": stated in every report.
std::string describe(const SessionOptions& options);

class Session {
 public:
  // Error{kBadModel}: the runtime cannot read it; Error{kUnsupported}: it has no implementation for it or rejects it.
  Session(std::shared_ptr<const RuntimeLibrary> library, const std::filesystem::path& model,
          const SessionOptions& options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  double load_ms() const { return load_ms_; }
  double last_run_ms() const { return last_run_ms_; }  // between call and return of the runtime
  const std::vector<TensorInfo>& inputs() const { return inputs_; }
  const std::vector<TensorInfo>& outputs() const { return outputs_; }

  // `wanted`: outputs by name; empty means every tensor output (sequences, maps and strings are left out).
  std::vector<NamedTensor> run(std::span<const NamedTensor> inputs, const std::vector<std::string>& wanted = {});

  // What nodes Observe saw so far: one for each of options.observers.
  std::vector<quant::ActivationObserver>& observers();

 private:
  struct State;
  std::unique_ptr<State> state_;
  double load_ms_ = 0, last_run_ms_ = 0;
  std::vector<TensorInfo> inputs_, outputs_;
};

// What the runtime made of a graph: operators ("MatMul", "com.microsoft:FusedMatMul") and how often each stands in it,
// subgraphs and local functions included. `folder` takes the optimized model for the moment (up to the model's size).
std::map<std::string, uint64_t> optimized_operators(const std::shared_ptr<const RuntimeLibrary>& library,
                                                    const std::filesystem::path& model, SessionOptions options,
                                                    const std::filesystem::path& folder);

// The same count of the file as written.
std::map<std::string, uint64_t> count_operators(const std::filesystem::path& model);

}  // namespace vetquant
