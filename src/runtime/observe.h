// The operator Observe (observed_model.h) as a session runs it: floats of its input, of any width, stream into the observer whose
// number is its attribute. Everything else passes unseen.
#pragma once

#include <memory>
#include <vector>

#include "ort_api.h"
#include "vetquant/quant/activation_observer.h"

namespace vetquant {

class ObserveOperator {
 public:
  // Error{kUnsupported}: the runtime is older than 1.16.
  ObserveOperator(const RuntimeLibrary& library, size_t observers);
  ~ObserveOperator();
  ObserveOperator(const ObserveOperator&) = delete;
  ObserveOperator& operator=(const ObserveOperator&) = delete;

  void add_to(OrtSessionOptions& options);  // this must outlive the session
  std::vector<quant::ActivationObserver>& observers();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vetquant
