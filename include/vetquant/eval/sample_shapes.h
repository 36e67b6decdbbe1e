// How large a model's inputs are on a test set: what decides how many rows a matrix product sees (`--profile-on`).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "vetquant/eval/test_set.h"
#include "vetquant/runtime/tensor.h"

namespace vetquant {

// By input. classification and tensors: dim by dim the middle one of up to 64 samples spread over the set. language_model:
// the tokens of one run for input_ids and position_ids (and for attention_mask where a run is a whole window); caches are
// left out. Inputs that the set says nothing about are left out, too. Error{kUsage}: the set does not fit the model, or its
// task is speech (several models at once); errors of reading the samples.
std::map<std::string, std::vector<int64_t>> sample_shapes(const TestSet& set, const std::vector<TensorInfo>& inputs);

}  // namespace vetquant
