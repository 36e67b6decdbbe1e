// A simulation (emit/simulation.h) run on a few samples, beside itself with everything switched off.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "vetquant/emit/simulation.h"
#include "vetquant/eval/test_set.h"
#include "vetquant/pipeline/self_check.h"

namespace vetquant {

struct SimulatedSetting {
  std::map<ValueId, quant::ActivationParameters> activations;  // those that are rounded
  std::set<int> weights;                                       // ids of those that are
};

class SimulatedRuns {
 public:
  // `model`: the simulation as written. Samples are spread evenly over the set.
  SimulatedRuns(const Simulation& simulation, const std::filesystem::path& model, const TestSet& set, size_t samples,
                const SelfCheckOptions& options);

  size_t samples() const { return feeds_.size(); }
  const std::vector<std::string>& outputs() const { return outputs_; }
  // For each setting and output the energy of its difference to float over the float output's, all samples together. A value
  // that is no number where float's is one counts as its own size.
  std::vector<std::vector<double>> noises(const std::vector<SimulatedSetting>& settings);

 private:
  std::unique_ptr<Worker> take_worker();
  std::vector<NamedTensor> inputs_of(const SimulatedSetting& setting, size_t sample) const;
  std::vector<double> noise(Worker& worker, const SimulatedSetting& setting) const;

  const Simulation& simulation_;
  const std::filesystem::path model_;
  const SelfCheckOptions& options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Worker>> idle_;
  std::vector<std::string> outputs_;
  std::vector<std::vector<NamedTensor>> feeds_;      // [samples]
  std::vector<std::vector<HostTensor>> references_;  // [samples, outputs]
};

}  // namespace vetquant
