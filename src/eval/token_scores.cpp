#include "token_scores.h"

#include <algorithm>
#include <cmath>

namespace vetquant {

TokenScore score_token(std::span<const float> logits, uint32_t token) {
  TokenScore score;
  for (size_t i = 1; i < logits.size(); ++i) {
    if (logits[i] > logits[score.best]) score.best = static_cast<uint32_t>(i);
  }
  const double most = logits[score.best];
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - most);
  score.log_sum = most + std::log(sum);
  const double nll = score.log_sum - logits[token];
  score.nll = std::isnan(nll) ? HUGE_VAL : nll;
  return score;
}

double divergence(std::span<const float> base, double base_log_sum, std::span<const float> own, double own_log_sum) {
  double sum = 0;
  for (size_t i = 0; i < base.size(); ++i) {
    const double log_p = base[i] - base_log_sum, p = std::exp(log_p);
    if (p > 0) sum += p * (log_p - (own[i] - own_log_sum));
  }
  return std::isfinite(sum) ? std::max(sum, 0.0) : HUGE_VAL;
}

}  // namespace vetquant
