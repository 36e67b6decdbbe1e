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

// Reads a text from its beginning, in as many calls as one likes; a copy goes on from where the other stood.
// tokens_per_run: 0, or how many are fed at once while caches go on. A model without caches can be read to once.
// Errors as the worker's, and Error{kGate} where the logits do not fit the tokens.
class CausalReader {
 public:
  CausalReader(Judged& model, size_t tokens_per_run, uint32_t greatest_id)
      : model_(&model), tokens_per_run_(tokens_per_run), greatest_id_(greatest_id) {}

  Logits read(std::span<const uint32_t> ids) { return read(ids, false); }
  Logits read_to_go_on(std::span<const uint32_t> ids) { return read(ids, true); }  // keeps the caches

 private:
  Logits read(std::span<const uint32_t> ids, bool going_on);
  std::vector<NamedTensor> feed_for(std::span<const uint32_t> ids);

  Judged* model_;
  size_t tokens_per_run_ = 0;
  uint32_t greatest_id_ = 0;
  size_t past_ = 0;                  // tokens read
  std::vector<NamedTensor> caches_;  // what the model gave after them
};

bool has_caches(const OpenedModel& model);

}  // namespace vetquant
