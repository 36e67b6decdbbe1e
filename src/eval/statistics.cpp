#include "vetquant/eval/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace vetquant {
namespace {

// Root of a function that is positive at `low` and negative at `high`.
double bisect(double low, double high, const std::function<double(double)>& f) {
  for (int i = 0; i < 200 && low < high; ++i) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    (f(middle) > 0 ? low : high) = middle;
  }
  return low + (high - low) / 2;
}

double polynomial(double x, std::initializer_list<double> highest_first) {
  double value = 0;
  for (const double c : highest_first) value = value * x + c;
  return value;
}

// Lentz's continued fraction of the incomplete beta function (DLMF 8.17.22).
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  const auto kept = [](double v) { return std::abs(v) < kTiny ? kTiny : v; };
  double c = 1, d = 1 / kept(1 - (a + b) * x / (a + 1)), h = d;
  for (int m = 1; m <= 10'000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / kept(1 + even * d);
    c = kept(1 + even / c);
    h *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / kept(1 + odd * d);
    c = kept(1 + odd / c);
    h *= d * c;
    if (std::abs(d * c - 1) < 1e-15) break;
  }
  return h;
}

// Tango's score statistic at a supposed difference.
double tango_score(double gained, double lost, double n, double difference) {
  const double a = 2 * n;
  const double b = -gained - lost + (2 * n - gained + lost) * difference;
  const double c = -lost * difference * (1 - difference);
  const double q = (std::sqrt(std::max(0.0, b * b - 4 * a * c)) - b) / (2 * a);
  const double variance = n * (2 * q + difference * (1 - difference));
  const double distance = gained - lost - n * difference;
  if (variance <= 0) return distance == 0 ? 0 : std::copysign(std::numeric_limits<double>::infinity(), distance);
  return distance / std::sqrt(variance);
}

double tail_of(double confidence_pct) { return (1 - confidence_pct / 100) / 2; }

}  // namespace

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

double normal_quantile(double p) {
  const double q = p - 0.5;
  if (std::abs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q *
           polynomial(r, {2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
                          13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608}) /
           polynomial(r, {5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
                          5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0});
  }
  double r = std::sqrt(-std::log(q < 0 ? p : 1 - p));
  double value = 0;
  if (r <= 5) {
    r -= 1.6;
    value =
        polynomial(r, {7.7454501427834140764e-4, .0227238449892691845833, .24178072517745061177, 1.27045825245236838258,
                       3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734}) /
        polynomial(r,
                   {1.05075007164441684324e-9, 5.475938084995344946e-4, .0151986665636164571966, .14810397642748007459,
                    .68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0});
  } else {
    r -= 5;
    value = polynomial(r, {2.01033439929228813265e-7, 2.71155556874348757815e-5, .0012426609473880784386,
                           .026532189526576123093, .29656057182850489123, 1.7848265399172913358, 5.4637849111641143699,
                           6.6579046435011037772}) /
            polynomial(r, {2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
                           7.868691311456132591e-4, .0148753612908506148525, .13692988092273580531,
                           .59983220655588793769, 1.0});
  }
  return q < 0 ? -value : value;
}

double incomplete_beta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double beta_quantile(double a, double b, double p) {
  return bisect(0, 1, [&](double x) { return p - incomplete_beta(a, b, x); });
}

Interval clopper_pearson(double successes, double trials, double confidence_pct) {
  if (trials <= 0) return {0, 1};
  const double tail = tail_of(confidence_pct), failures = trials - successes;
  Interval interval{0, 1};
  if (successes > 0) interval.low = beta_quantile(successes, failures + 1, tail);
  if (failures > 0) interval.high = beta_quantile(successes + 1, failures, 1 - tail);
  return interval;
}

Interval tango(double gained, double lost, double pairs, double confidence_pct) {
  if (pairs <= 0) return {-1, 1};
  const double z = normal_quantile(1 - tail_of(confidence_pct));
  const double middle = (gained - lost) / pairs;
  // The score falls as the supposed difference rises.
  const auto above = [&](double bound) {
    return [=](double d) { return tango_score(gained, lost, pairs, d) - bound; };
  };
  return {bisect(-1, middle, above(z)), bisect(middle, 1, above(-z))};
}

double design_effect(std::span<const double> values, std::span<const uint32_t> clusters) {
  const size_t n = values.size();
  if (clusters.empty() || n < 2) return 1;
  const uint32_t groups = *std::max_element(clusters.begin(), clusters.end()) + 1;
  if (groups < 2) return static_cast<double>(n);  // one voice is one observation
  Sum total;
  for (const double value : values) total.add(value);
  const double mean = total.value() / static_cast<double>(n);
  std::vector<double> of_group(groups, 0);
  double independent = 0, clustered = 0;
  for (size_t i = 0; i < n; ++i) {
    of_group[clusters[i]] += values[i] - mean;
    independent += (values[i] - mean) * (values[i] - mean);
  }
  for (const double sum : of_group) clustered += sum * sum;
  if (independent <= 0) return 1;
  const double g = groups;
  return std::max(1.0, g / (g - 1) * clustered / independent);
}

double median(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n % 2 ? values[n / 2] : values[n / 2 - 1] + (values[n / 2] - values[n / 2 - 1]) / 2;
}

std::optional<Interval> median_interval(std::vector<double> values, double confidence_pct) {
  const size_t n = values.size();
  const double tail = tail_of(confidence_pct);
  std::sort(values.begin(), values.end());
  // P(at most k of n values lie below the median), k = rank: the most that the tail allows.
  size_t rank = 0;
  while (rank < n / 2) {
    const double below = incomplete_beta(static_cast<double>(n - rank), static_cast<double>(rank + 1), 0.5);
    if (below > tail) break;
    ++rank;
  }
  if (rank == 0) return std::nullopt;
  return Interval{values[rank - 1], values[n - rank]};
}

void Sum::add(double value) {
  const double next = sum_ + value;
  rest_ += std::abs(sum_) >= std::abs(value) ? (sum_ - next) + value : (value - next) + sum_;
  sum_ = next;
}

}  // namespace vetquant
