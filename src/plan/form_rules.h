// What each output form needs of a node: the table of forms, and the attempt to serve one site by one form.
#pragma once

#include <optional>
#include <string>

#include "layout.h"
#include "survey.h"

namespace vetquant::plan {

struct FormContext {
  const GraphIndex& index;
  const ConstantFinder& constants;
  const Policy& policy;
  const TargetProfile& target;
  const Survey& survey;
  const quant::ActivationStatistics* statistics = nullptr;
  const PutBackNodes* put_back = nullptr;

  const PutBack* put_back_at(NodeId node) const {  // null: nothing was decided
    if (put_back == nullptr) return nullptr;
    const auto found = put_back->find(index.node(node).address);
    return found == put_back->end() ? nullptr : &found->second;
  }
};

Form form_of(FormChoice choice);  // kKeep for what is not built: qoperator
std::optional<FormChoice> choice_of(Form form);

struct Trial {
  std::optional<Obstacle> obstacle;
  Placement placement;
  QuantSpec spec;
  int accuracy_level = 0;
  std::string adapted;
};
// Can `form` serve the site as wished on this target? Nothing is chosen here but what the wish leaves open.
Trial try_form(const FormContext& context, const Site& site, const Wish& wish, FormChoice form);

// The words of `use` as a QuantSpec. kUsage for what no code type can do (7bit of 4 bits ...).
QuantSpec spec_of(const Use& use);

}  // namespace vetquant::plan
