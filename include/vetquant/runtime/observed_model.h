// A model that looks at its own activations: beside each of them stands a node Observe, which lets its statistics stream into
// an observer (quant/activation_observer.h) of the session. No activation leaves the runtime, so memory does not grow with
// them; bodies of If, Loop and Scan and local functions are observed where they run, as often as they run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "vetquant/model/graph_index.h"

namespace vetquant {

inline constexpr const char* kObserveDomain = "vetquant.observe";
inline constexpr const char* kObserveOperator = "Observe";
inline constexpr const char* kObserverAttribute = "observer";

struct ObservedModel {
  std::shared_ptr<onnx::ModelProto> skeleton;  // marks are those of the source
  std::vector<std::string> addresses;          // of what observer i looks at
  std::vector<bool> is_float;                  // for sure: false where inference does not know the type
};

// Observed is every value that may be a float tensor and is no constant: inputs of the main graph and of bodies where the
// type is known to be float, results of nodes where it is, or is unknown. Error{kUsage}: there is none.
ObservedModel observed_model(const Model& model, const GraphIndex& index);

}  // namespace vetquant
