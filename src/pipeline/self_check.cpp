#include "vetquant/pipeline/self_check.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "simulated_runs.h"
#include "vetquant/core/error.h"
#include "vetquant/core/temporary_folder.h"
#include "vetquant/core/text.h"

namespace vetquant {
namespace {

constexpr size_t kPlannedAnew = 12;     // candidates of a step whose plan is made
constexpr int kMostFruitlessSteps = 3;  // in a row, before the search gives up
constexpr double kLeastShare = 0.002;   // of the noise that a step has to be expected to take off
constexpr size_t kNamedSources = 3;

// What is rounded as one: a value and all that carry its codes on, or a weight.
struct Part {
  std::string name;
  std::vector<ValueId> values;  // the first is rounded by itself
  int weight = -1;
  float scale = 1;   // of the first value, as first planned
  double noise = 0;  // that it makes at the outputs, all else being float
};

struct State {
  PutBackNodes put_back;
  Plan plan;
  SimulatedSetting setting;
  double expected = 0;  // noise: of the parts that are rounded
  double measured = 0, worst = 0;
  size_t nodes = 0;       // that compute between codes as first wished
  uint64_t elements = 0;  // of their weights
};

double decibels(double noise) { return -10 * std::log10(std::max(noise, 1e-20)); }

std::string with_one_digit(double value, const char* unit) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", value, unit);
  return text;
}

std::string decibel_text(double noise) { return with_one_digit(decibels(noise), "dB"); }
std::string percent_text(double share) { return with_one_digit(100 * share, "%"); }

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

class Search {
 public:
  Search(const SelfCheckSubject& subject, const SelfCheckOptions& options)
      : subject_(subject),
        check_(*subject.policy.self_check),
        target_noise_(std::pow(10.0, -check_.target_db.value_or(kSelfCheckTargetDb) / 10)),
        type_(check_.activation_type.value_or(DType::kFloat32)),
        options_(options) {}

  SelfChecked run() {
    const TestSet set = load_test_set(options_.samples);
    const TemporaryFolder folder("self-check");
    const Simulation simulation = emit_simulation(subject_.model, subject_.index, subject_.plan, subject_.target);
    simulation_ = &simulation;
    const auto path = folder.path() / "simulation.onnx";
    write(simulation, path);
    SimulatedRuns runs(simulation, path, set, static_cast<size_t>(check_.samples.value_or(kSelfCheckSamples)),
                       options_);
    runs_ = &runs;
    find_parts();
    State state = first_state();
    const State first = state;
    if (state.worst > target_noise_) {
      measure_parts();
      state.expected = expected_of(state.setting);
      state = improved(std::move(state));
    }
    return report(first, std::move(state));
  }

 private:
  void write(const Simulation& simulation, const std::filesystem::path& path) const {
    WriteOptions write;
    write.output = path;
    write.threads = options_.threads;
    const AlgorithmSet builtin;
    write_model(subject_.model, simulation.emitted, options_.algorithms ? *options_.algorithms : builtin, write);
  }

  const PlannedNode* static_node(const Plan& plan, NodeId id) const {
    const auto found = std::find_if(plan.nodes.begin(), plan.nodes.end(), [&](const PlannedNode& node) {
      return node.node == id && node.form == Form::kQdq;
    });
    return found == plan.nodes.end() ? nullptr : &*found;
  }

  // Codes that are only moved, or that a vanished Relu clips, are rounded once.
  std::optional<ValueId> carried_from(const PlannedActivation& activation) const {
    const ValueInfo& value = subject_.index.value(activation.value);
    if (!value.producer.valid() || static_node(subject_.plan, value.producer) == nullptr) return std::nullopt;
    const ValueId input = subject_.index.node(value.producer).inputs[0];
    for (const PlannedActivation& other : subject_.plan.activations) {
      if (other.value == input && other.group == activation.group) return input;
    }
    return std::nullopt;
  }

  void find_parts() {
    const Plan& plan = subject_.plan;
    for (const PlannedActivation& activation : plan.activations) {
      if (part_of_.contains(activation.value)) continue;
      const std::optional<ValueId> from = carried_from(activation);
      if (from && part_of_.contains(*from)) {
        part_of_[activation.value] = part_of_[*from];
        parts_[part_of_[*from]].values.push_back(activation.value);
        continue;
      }
      part_of_[activation.value] = parts_.size();
      parts_.push_back({.name = subject_.index.address(activation.value),
                        .values = {activation.value},
                        .scale = activation.parameters.scale});
    }
    for (const PlannedNode& node : plan.nodes) {
      if (!node.in_range_of_input) continue;
      const NodeInfo& info = subject_.index.node(node.node);
      const auto part = part_of_.find(info.outputs[0]);
      if (part == part_of_.end() || !part_of_.emplace(info.inputs[0], part->second).second) continue;
      parts_[part->second].values.push_back(info.inputs[0]);
    }
    for (const PlannedTensor& tensor : plan.tensors) {
      if (!simulation_->weights.contains(tensor.id)) continue;
      for (const auto& use : tensor.uses) weight_at_[{use.node, use.input}] = tensor.id;
      parts_.push_back({.name = tensor.name, .values = {}, .weight = tensor.id});
    }
  }

  // 16-bit codes count as float: their noise is 48 dB lower.
  SimulatedSetting setting_of(const Plan& plan) const {
    SimulatedSetting setting;
    for (const PlannedActivation& activation : plan.activations) {
      const auto site = simulation_->activations.find(activation.value);
      if (site != simulation_->activations.end() && site->second.type == activation.type)
        setting.activations[activation.value] = activation.parameters;
    }
    for (const PlannedTensor& tensor : plan.tensors) {
      if (tensor.form != Form::kQdq) continue;
      for (const auto& use : tensor.uses) {
        if (const auto id = weight_at_.find({use.node, use.input}); id != weight_at_.end())
          setting.weights.insert(id->second);
      }
    }
    return setting;
  }

  size_t nodes_as_wished(const Plan& plan) const {
    return static_cast<size_t>(std::count_if(plan.nodes.begin(), plan.nodes.end(), [&](const PlannedNode& node) {
      return node.form == Form::kQdq && !plan.put_back.contains(subject_.index.node(node.node).address);
    }));
  }

  static uint64_t elements_in_codes(const Plan& plan) {
    uint64_t elements = 0;
    for (const PlannedTensor& tensor : plan.tensors) elements += tensor.form == Form::kQdq ? tensor.elements : 0;
    return elements;
  }

  State first_state() {
    State state;
    state.plan = subject_.plan;
    state.setting = setting_of(state.plan);
    state.nodes = first_nodes_ = nodes_as_wished(state.plan);
    state.elements = first_elements_ = elements_in_codes(state.plan);
    measure({&state});
    return state;
  }

  void measure(const std::vector<State*>& states) {
    std::vector<SimulatedSetting> settings;
    for (const State* state : states) settings.push_back(state->setting);
    const auto noises = runs_->noises(settings);
    for (size_t i = 0; i < states.size(); ++i) {
      states[i]->measured = sum(noises[i]);
      states[i]->worst = *std::max_element(noises[i].begin(), noises[i].end());
    }
  }

  void measure_parts() {
    std::vector<SimulatedSetting> settings(parts_.size());
    for (size_t i = 0; i < parts_.size(); ++i) {
      if (parts_[i].weight >= 0) settings[i].weights.insert(parts_[i].weight);
      if (parts_[i].weight >= 0) continue;
      for (const PlannedActivation& activation : subject_.plan.activations) {
        if (activation.value == parts_[i].values[0]) settings[i].activations[activation.value] = activation.parameters;
      }
    }
    const auto noises = runs_->noises(settings);
    for (size_t i = 0; i < parts_.size(); ++i) parts_[i].noise = sum(noises[i]);
  }

  // Noise goes with the square of the scale.
  double expected_of(const Part& part, const SimulatedSetting& setting) const {
    if (part.weight >= 0) return setting.weights.contains(part.weight) ? part.noise : 0;
    double most = 0;
    for (const ValueId value : part.values) {
      const auto found = setting.activations.find(value);
      if (found == setting.activations.end()) continue;
      const double ratio = found->second.scale / part.scale;
      most = std::max(most, ratio * ratio);
    }
    return part.noise * most;
  }

  double expected_of(const SimulatedSetting& setting) const {
    double noise = 0;
    for (const Part& part : parts_) noise += expected_of(part, setting);
    return noise;
  }

  // The nodes that make or read it between codes.
  std::set<NodeId> nodes_around(const Part& part, const Plan& plan) const {
    std::set<NodeId> nodes;
    const auto add = [&](NodeId id) {
      if (id.valid() && static_node(plan, id) != nullptr) nodes.insert(id);
    };
    for (const ValueId id : part.values) {
      const ValueInfo& value = subject_.index.value(id);
      add(value.producer);
      for (const ValueUse& use : value.uses) add(use.node);
    }
    if (part.weight >= 0) {
      for (const auto& [use, weight] : weight_at_) {
        if (weight == part.weight) add(use.first);
      }
    }
    std::erase_if(nodes, [&](NodeId id) { return plan.put_back.contains(subject_.index.node(id).address); });
    return nodes;
  }

  std::optional<State> with_put_back(const State& state, const Part& part) const {
    State next;
    next.put_back = state.put_back;
    const std::string what = part.weight >= 0 ? "the weight '" : "'";
    for (const NodeId id : nodes_around(part, state.plan)) {
      next.put_back[subject_.index.node(id).address] = {type_, "put back by self_check: rounding " + what +
                                                                   printable(part.name, 100) + "' alone gives " +
                                                                   decibel_text(part.noise)};
    }
    PlanOptions options = subject_.options;
    options.put_back = next.put_back;
    try {
      next.plan =
          make_plan(subject_.model, subject_.index, subject_.constants, subject_.policy, subject_.target, options);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUsage && error.code() != ErrorCode::kUnsupported) throw;
      return std::nullopt;  // a weight that others share, say
    }
    next.plan.steps = subject_.plan.steps;
    next.setting = setting_of(next.plan);
    next.expected = expected_of(next.setting);
    next.nodes = nodes_as_wished(next.plan);
    next.elements = elements_in_codes(next.plan);
    return next;
  }

  size_t allowed() const {
    const double share = check_.most_nodes.value_or(kSelfCheckMostNodes);
    return static_cast<size_t>(share * static_cast<double>(first_nodes_));
  }

  // Noise taken off for each share of nodes and of weights that a step gives up.
  double gain(const State& before, const State& after, double State::*noise) const {
    const auto share = [](uint64_t was, uint64_t is, uint64_t first) {
      return was > is ? static_cast<double>(was - is) / static_cast<double>(first) : 0;
    };
    const double cost = share(before.nodes, after.nodes, first_nodes_) +
                        share(before.elements, after.elements, std::max<uint64_t>(1, first_elements_));
    return (before.*noise - after.*noise) / std::max(cost, 1e-9);
  }

  // The most promising steps by what parts make alone.
  std::vector<State> candidates(const State& state) {
    std::vector<std::pair<double, size_t>> order;
    for (size_t i = 0; i < parts_.size(); ++i) {
      const double noise = expected_of(parts_[i], state.setting);
      if (type_ != DType::kFloat32 && parts_[i].weight >= 0) continue;  // its weight stays as it is
      if (noise < kLeastShare * state.expected || barred_.contains(i)) continue;
      const size_t nodes = nodes_around(parts_[i], state.plan).size();
      if (nodes > 0) order.emplace_back(-noise / static_cast<double>(nodes), i);
    }
    std::sort(order.begin(), order.end());
    if (order.size() > kPlannedAnew) order.resize(kPlannedAnew);
    std::vector<State> found;
    std::vector<size_t> numbers;
    for (const auto& [unused, i] : order) {
      std::optional<State> next = with_put_back(state, parts_[i]);
      const bool fits = next && first_nodes_ - next->nodes <= allowed() && next->nodes < state.nodes &&
                        next->expected < state.expected;
      if (!fits) {
        barred_.insert(i);
        continue;
      }
      found.push_back(std::move(*next));
    }
    std::stable_sort(found.begin(), found.end(), [&](const State& a, const State& b) {
      return gain(state, a, &State::expected) > gain(state, b, &State::expected);
    });
    if (found.size() > kSelfCheckTrials) found.resize(kSelfCheckTrials);
    return found;
  }

  // Where much is broken, mending one part alone may not show: then the step that is expected to help most is taken, and the
  // steps that in the end came to nothing are taken back.
  State improved(State state) {
    State best = state;
    for (int fruitless = 0; fruitless < kMostFruitlessSteps && state.worst > target_noise_;) {
      std::vector<State> next = candidates(state);
      if (next.empty()) break;
      std::vector<State*> tried;
      for (State& candidate : next) tried.push_back(&candidate);
      measure(tried);
      const auto chosen = std::max_element(next.begin(), next.end(), [&](const State& a, const State& b) {
        return gain(state, a, &State::measured) < gain(state, b, &State::measured);
      });
      const bool helps = chosen->measured < state.measured;
      fruitless = helps ? 0 : fruitless + 1;
      state = helps ? std::move(*chosen) : std::move(next.front());
      if (state.measured < best.measured) best = state;
    }
    return state.worst <= target_noise_ ? state : best;
  }

  std::string sources(const State& state) const {
    std::vector<std::pair<double, const Part*>> parts;
    double all = 0;
    for (const Part& part : parts_) {
      parts.emplace_back(expected_of(part, state.setting), &part);
      all += parts.back().first;
    }
    std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    std::string text;
    for (size_t i = 0; i < std::min(kNamedSources, parts.size()) && parts[i].first > 0; ++i) {
      text += (text.empty() ? "" : ", ") + ("'" + printable(parts[i].second->name, 60) + "' ") +
              percent_text(parts[i].first / all);
    }
    return text;
  }

  SelfChecked report(const State& first, State last) const {
    SelfChecked result;
    const std::string of = std::to_string(runs_->samples()) + (runs_->samples() == 1 ? " sample" : " samples");
    std::string text = "self_check: " + decibel_text(first.worst) + " at the worst output on " + of;
    if (first.worst <= target_noise_) {
      result.steps.push_back(text + ": nothing to put back");
      return result;
    }
    const std::string where = type_ == DType::kFloat32 ? "back in float" : "in " + std::string(name_of(type_));
    text += ", " + decibel_text(last.worst) + " with " + std::to_string(first.nodes - last.nodes) + " of " +
            std::to_string(first.nodes) + " nodes " + where;
    if (last.worst > target_noise_) {
      text += "; the target of " + decibel_text(target_noise_) +
              " is not reached within most_nodes: " + percent_text(check_.most_nodes.value_or(kSelfCheckMostNodes)) +
              " of the nodes";
    }
    result.steps.push_back(std::move(text));
    const std::string most = sources(last);
    if (!most.empty()) result.steps.push_back("self_check: of the noise that is left most comes from rounding " + most);
    result.put_back = std::move(last.put_back);
    return result;
  }

  const SelfCheckSubject& subject_;
  const SelfCheck& check_;
  const double target_noise_;
  const DType type_;
  const SelfCheckOptions& options_;
  const Simulation* simulation_ = nullptr;
  SimulatedRuns* runs_ = nullptr;
  std::vector<Part> parts_;
  std::map<ValueId, size_t> part_of_;
  std::map<std::pair<NodeId, int>, int> weight_at_;  // by node and input: id of the tensor, as first planned
  std::set<size_t> barred_;                          // parts that no step of theirs fits
  size_t first_nodes_ = 0;
  uint64_t first_elements_ = 0;
};

}  // namespace

SelfChecked find_nodes_to_put_back(const SelfCheckSubject& subject, const SelfCheckOptions& options) {
  if (subject.plan.activations.empty()) return {};
  return Search(subject, options).run();
}

}  // namespace vetquant
