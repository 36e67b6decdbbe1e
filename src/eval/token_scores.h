// What logits say of a token: log-softmax, divergence and the most probable one. Sums in double.
#pragma once

#include <cstdint>
#include <span>

namespace vetquant {

struct TokenScore {
  double log_sum = 0;  // log of the sum of exp(logits)
  double nll = 0;      // of the token that follows; infinite where a logit is NaN or all are -inf
  uint32_t best = 0;   // the first of equal ones
};

TokenScore score_token(std::span<const float> logits, uint32_t token);

// KL(base || own) in nats, at least 0; infinite where it is not a number.
double divergence(std::span<const float> base, double base_log_sum, std::span<const float> own, double own_log_sum);

}  // namespace vetquant
