#include "simulated_runs.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "vetquant/core/error.h"
#include "vetquant/core/parallel.h"

namespace vetquant {
namespace {

template <class T>
HostTensor scalar(DType type, T value) {
  HostTensor tensor{.dtype = type, .shape = {}, .data = std::vector<std::byte>(sizeof(T))};
  std::memcpy(tensor.data.data(), &value, sizeof(T));
  return tensor;
}

HostTensor code_scalar(DType type, int code) {
  return bits_of(type) == 8 ? scalar(type, static_cast<uint8_t>(code)) : scalar(type, static_cast<uint16_t>(code));
}

void check_set(const TestSet& set) {
  const bool fed = set.task == TaskKind::kTensors || set.task == TaskKind::kClassification;
  if (fed && set.state.empty()) return;
  throw Error(ErrorCode::kUsage,
              "self_check runs single steps: samples of task " + name_of(set.task) +
                  (fed ? " with states" : std::string()) +
                  " are not for it; give a .npz of inputs as --calibration, or say `self_check: false`",
              set.path.string());
}

}  // namespace

SimulatedRuns::SimulatedRuns(const Simulation& simulation, const std::filesystem::path& model, const TestSet& set,
                             size_t samples, const SelfCheckOptions& options)
    : simulation_(simulation), model_(model), options_(options) {
  check_set(set);
  auto worker = std::make_unique<Worker>(options.worker, options.limits);
  SessionOptions session;
  session.optimization = Optimization::kNone;
  const OpenedModel opened = worker->open(options.runtime_library, model, session);
  std::set<std::string> switches;
  for (const auto& [value, names] : simulation.activations) switches.insert({names.on, names.scale, names.zero_point});
  for (const auto& [id, names] : simulation.weights) switches.insert(names.on);
  std::vector<TensorInfo> own;
  std::copy_if(opened.inputs.begin(), opened.inputs.end(), std::back_inserter(own),
               [&](const TensorInfo& info) { return !switches.contains(info.name); });
  const size_t count = std::min(samples, set.samples);
  for (size_t i = 0; i < count; ++i) {
    const size_t sample = i * set.samples / count;
    if (steps_of(set, sample) != 1)
      throw Error(ErrorCode::kUsage, "self_check runs single steps, and a sample of this set has several; give a .npz",
                  set.path.string());
    feeds_.push_back(feed_of(set, sample, 0, own));
    std::vector<HostTensor> reference;
    for (NamedTensor& output : worker->run(inputs_of({}, i))) {
      if (i == 0) outputs_.push_back(output.name);
      reference.push_back(std::move(output.tensor));
    }
    references_.push_back(std::move(reference));
  }
  idle_.push_back(std::move(worker));
}

std::unique_ptr<Worker> SimulatedRuns::take_worker() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto worker = std::move(idle_.back());
      idle_.pop_back();
      return worker;
    }
  }
  auto worker = std::make_unique<Worker>(options_.worker, options_.limits);
  SessionOptions session;
  session.optimization = Optimization::kNone;
  worker->open(options_.runtime_library, model_, session);
  return worker;
}

std::vector<NamedTensor> SimulatedRuns::inputs_of(const SimulatedSetting& setting, size_t sample) const {
  std::vector<NamedTensor> inputs = feeds_[sample];
  for (const auto& [value, names] : simulation_.activations) {
    const auto found = setting.activations.find(value);
    const bool on = found != setting.activations.end();
    inputs.push_back({names.on, scalar(DType::kBool, static_cast<uint8_t>(on))});
    inputs.push_back({names.scale, scalar(DType::kFloat32, on ? found->second.scale : 1.0F)});
    inputs.push_back({names.zero_point, code_scalar(names.type, on ? found->second.zero_point : 0)});
  }
  for (const auto& [id, names] : simulation_.weights)
    inputs.push_back({names.on, scalar(DType::kBool, static_cast<uint8_t>(setting.weights.contains(id)))});
  return inputs;
}

std::vector<double> SimulatedRuns::noise(Worker& worker, const SimulatedSetting& setting) const {
  std::vector<double> signal(outputs_.size(), 0), error(outputs_.size(), 0);
  for (size_t sample = 0; sample < feeds_.size(); ++sample) {
    const std::vector<NamedTensor> seen = worker.run(inputs_of(setting, sample), outputs_);
    for (size_t o = 0; o < outputs_.size(); ++o) {
      const std::vector<double> was = to_doubles(references_[sample][o]), is = to_doubles(seen[o].tensor);
      if (was.size() != is.size()) {  // as many as the values say: of other lengths nothing is alike
        for (const double value : was) signal[o] += value * value, error[o] += value * value;
        continue;
      }
      for (size_t i = 0; i < was.size(); ++i) {
        if (!std::isfinite(was[i])) continue;
        const double difference = std::isfinite(is[i]) ? is[i] - was[i] : was[i];
        signal[o] += was[i] * was[i];
        error[o] += difference * difference;
      }
    }
  }
  for (size_t o = 0; o < outputs_.size(); ++o) error[o] /= std::max(signal[o], 1e-30);
  return error;
}

std::vector<std::vector<double>> SimulatedRuns::noises(const std::vector<SimulatedSetting>& settings) {
  std::vector<std::vector<double>> all(settings.size());
  size_t done = 0;
  parallel_for(settings.size(), resolve_threads(options_.threads), [&](uint64_t i) {
    std::unique_ptr<Worker> worker = take_worker();
    all[i] = noise(*worker, settings[i]);
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(worker));
    if (options_.progress) options_.progress({"self-check", ++done, settings.size(), "runs"});
  });
  return all;
}

}  // namespace vetquant
