// Runs a decoder-only model, as the usual exporters write them, on tokens.
//
//   input_ids, attention_mask, position_ids, past_key_values.N.key/value (or past_N), use_cache_branch -> logits, present.*
//
// All but input_ids may be missing. Caches begin empty.
#pragma once

#include <span>
#include <vector>

#include "judged.h"

namespace vetquant {

struct Logits {
  std::vector<float> values;  // [positions, vocabulary]
  size_t vocabulary = 0;
  std::span<const float> at(size_t position) const {
    return std::span(values).subspan(position * vocabulary, vocabulary);
  }
};

// Error{kUsage}: the model has no input_ids or logits, has an input that nobody feeds or a cache whose shape does not say
// where it grows, or its vocabulary (where its shape tells) does not reach `greatest_id`.
void check_causal(const OpenedModel& model, uint32_t greatest_id);

// tokens_per_run: 0, or how many are fed at once while caches go on; a model without caches gets all at once. `runs` is
// counted on. Errors as the worker's, and Error{kGate} where the logits do not fit the tokens.
Logits run_causal(Judged& model, std::span<const uint32_t> ids, size_t tokens_per_run, uint32_t greatest_id);

}  // namespace vetquant
