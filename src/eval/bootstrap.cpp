// The bias-corrected and accelerated bootstrap.
#include <algorithm>
#include <cmath>
#include <limits>

#include "vetquant/core/interrupt.h"
#include "vetquant/eval/random.h"
#include "vetquant/eval/statistics.h"

namespace vetquant {
namespace {

// Skewness of the statistic's influence, from leaving out one block of units at a time (each unit its own block where
// there are at most kBlocks: more would cost units squared and change nothing that can be seen).
double acceleration_of(size_t units, const Bootstrap::Statistic& statistic) {
  constexpr size_t kBlocks = 500;
  const size_t blocks = std::min(units, kBlocks);
  std::vector<double> left_out(blocks);
  std::vector<uint32_t> times(units, 1);
  double mean = 0;
  for (size_t b = 0; b < blocks; ++b) {
    const size_t begin = b * units / blocks, end = (b + 1) * units / blocks;
    std::fill(times.begin() + static_cast<std::ptrdiff_t>(begin), times.begin() + static_cast<std::ptrdiff_t>(end), 0U);
    left_out[b] = statistic(times);
    std::fill(times.begin() + static_cast<std::ptrdiff_t>(begin), times.begin() + static_cast<std::ptrdiff_t>(end), 1U);
    mean += left_out[b] / static_cast<double>(blocks);
  }
  double squares = 0, cubes = 0;
  for (const double value : left_out) {
    const double d = mean - value;
    squares += d * d;
    cubes += d * d * d;
  }
  return squares > 0 ? cubes / (6 * std::pow(squares, 1.5)) : 0;
}

// Of `sorted` at a share of its length, between neighbours.
double at_share(const std::vector<double>& sorted, double share) {
  const double position = std::clamp(share, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto left = static_cast<size_t>(position);
  const double rest = position - static_cast<double>(left);
  const size_t right = std::min(left + 1, sorted.size() - 1);
  return rest == 0 || sorted[left] == sorted[right] ? sorted[left]
                                                    : sorted[left] + rest * (sorted[right] - sorted[left]);
}

struct Rate {
  double value = 0, error = 0;
};

Rate rate_of(std::span<const double> over, std::span<const double> under, std::span<const uint32_t> times) {
  double above = 0, below = 0, squares = 0;
  for (size_t i = 0; i < times.size(); ++i) {
    above += times[i] * over[i];
    below += times[i] * under[i];
  }
  const double value = above / below, units = static_cast<double>(times.size());
  for (size_t i = 0; i < times.size(); ++i) {
    const double rest = over[i] - value * under[i];
    squares += times[i] * rest * rest;
  }
  return {value, std::sqrt(squares * units / (units - 1)) / below};
}

}  // namespace

Bootstrap::Bootstrap(size_t units, const Statistic& statistic, uint64_t seed, int resamples) {
  std::vector<uint32_t> times(units, 1);
  value_ = units > 0 ? statistic(times) : std::nan("");
  if (units < kLeastUnits || !std::isfinite(value_)) return;
  Random random(seed);
  double below = 0;
  for (int r = 0; r < resamples; ++r) {
    if (r % 64 == 0) interrupt::check();
    std::fill(times.begin(), times.end(), 0U);
    for (size_t i = 0; i < units; ++i) ++times[random.below(units)];
    const double replicate = statistic(times);
    if (!std::isfinite(replicate)) continue;  // such as an F1 of a class that was not drawn
    below += replicate < value_ ? 1 : replicate == value_ ? 0.5 : 0;
    replicates_.push_back(replicate);
  }
  std::sort(replicates_.begin(), replicates_.end());
  if (replicates_.empty()) return;
  const auto count = static_cast<double>(replicates_.size());
  bias_ = normal_quantile(std::clamp(below / count, 0.5 / count, 1 - 0.5 / count));
  acceleration_ = acceleration_of(units, statistic);
}

bool Bootstrap::all_alike() const { return !replicates_.empty() && replicates_.front() == replicates_.back(); }

std::optional<Interval> Bootstrap::interval(double confidence_pct) const {
  if (replicates_.empty()) return std::nullopt;
  const double tail = (1 - confidence_pct / 100) / 2;
  const auto at = [&](double p) {
    const double z = bias_ + normal_quantile(p);
    const double corrected = normal_cdf(bias_ + z / (1 - acceleration_ * z));
    return at_share(replicates_, corrected);
  };
  return Interval{at(tail), at(1 - tail)};
}

RateBootstrap::RateBootstrap(std::span<const double> over, std::span<const double> under, uint64_t seed,
                             int resamples) {
  const size_t units = over.size();
  std::vector<uint32_t> times(units, 1);
  const Rate found = rate_of(over, under, times);
  value_ = found.value;
  error_ = found.error;
  if (units < Bootstrap::kLeastUnits || !std::isfinite(value_)) return;
  Random random(seed);
  for (int r = 0; r < resamples; ++r) {
    if (r % 64 == 0) interrupt::check();
    std::fill(times.begin(), times.end(), 0U);
    for (size_t i = 0; i < units; ++i) ++times[random.below(units)];
    const Rate drawn = rate_of(over, under, times);
    if (!std::isfinite(drawn.value)) continue;  // nothing was said in what was drawn
    const double distance = drawn.value - value_;
    scores_.push_back(drawn.error > 0 ? distance / drawn.error
                      : distance == 0 ? 0
                                      : std::copysign(std::numeric_limits<double>::infinity(), distance));
  }
  std::sort(scores_.begin(), scores_.end());
}

std::optional<Interval> RateBootstrap::interval(double confidence_pct) const {
  if (scores_.empty()) return std::nullopt;
  const double tail = (1 - confidence_pct / 100) / 2;
  const auto bound = [&](double share) {
    const double score = at_share(scores_, share);
    return error_ == 0 && std::isinf(score) ? std::copysign(score, -score) : value_ - score * error_;
  };
  return Interval{bound(1 - tail), bound(tail)};
}

}  // namespace vetquant
