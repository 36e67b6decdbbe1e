// The float model with its static quantization built in, each part of it behind a switch that is an input of the model: so one
// loaded model runs any mixture of float and codes, with any ranges, and tells what each part costs.
//
// Rounding is that of the written model (QuantizeLinear, DequantizeLinear, the codes of the weights); what differs are integer
// kernels' own roundings, and biases, which stay float.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "vetquant/emit/emitted.h"
#include "vetquant/plan/plan.h"

namespace vetquant {

// Inputs that the simulation has besides the model's own: all three for each value, the last for each weight.
struct SimulationSwitch {
  std::string on;                 // bool []
  std::string scale, zero_point;  // float [], `type` []
  DType type = DType::kUndefined;
};

struct Simulation {
  Emitted emitted;
  std::map<ValueId, SimulationSwitch>
      activations;                          // what the plan holds in codes; also what a Relu that vanishes reads
  std::map<int, SimulationSwitch> weights;  // by PlannedTensor::id, those of form kQdq
};

// Only the plan's nodes of form kQdq are simulated; what other forms do to weights is not. Error{kUnsupported} as emit.
Simulation emit_simulation(const Model& model, const GraphIndex& index, const Plan& plan, const TargetProfile& target);

}  // namespace vetquant
