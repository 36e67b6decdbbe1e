// A process that runs a model on samples one after the other, and the states and caches that go from step to step.
#pragma once

#include <memory>
#include <mutex>

#include "vetquant/eval/observe_samples.h"

namespace vetquant {

class SampleRunner {
 public:
  virtual ~SampleRunner() = default;
  virtual void run(size_t sample) = 0;
  virtual Worker& worker() = 0;
};

// `reading`: held while samples are read, for their sources are shared by all runners.
std::unique_ptr<SampleRunner> make_sample_runner(const TestSet& set, const ObserveOptions& options,
                                                 std::mutex& reading);

// Every file of the model that is run: of speech its parts, the one that is observed in the place of the model's.
struct RunFiles {
  std::vector<std::filesystem::path> graphs, settings;  // as they are named by the user
};
RunFiles run_files(const TestSet& set, const ObserveOptions& options);

}  // namespace vetquant
