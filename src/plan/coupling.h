// Inputs of one node that must go together: both matrices of an LSTM; whatever else a rewritten node reads.
#pragma once

#include <vector>

#include "decide.h"

namespace vetquant::plan {

// Changes choices (by site) so that every node can be rewritten as a whole. Returns how many it changed.
int couple(const Decider& decider, std::vector<Choice>& choices);

}  // namespace vetquant::plan
