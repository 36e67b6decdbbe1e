#include "vetquant/quant/distortion.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vetquant {

void Distortion::Sum::add(double x) {
  const double total = sum + x;
  compensation += std::abs(sum) >= std::abs(x) ? (sum - total) + x : (x - total) + sum;
  sum = total;
}

void Distortion::add(std::span<const float> reference, std::span<const float> value) {
  for (size_t i = 0; i < reference.size(); ++i) {
    const double r = reference[i], v = value[i], error = r - v;
    reference2_.add(r * r);
    value2_.add(v * v);
    product_.add(r * v);
    error2_.add(error * error);
    max_error_ = std::max(max_error_, std::abs(error));
  }
  count_ += reference.size();
}

void Distortion::merge(const Distortion& later) {
  reference2_.add(later.reference2_.value());
  value2_.add(later.value2_.value());
  product_.add(later.product_.value());
  error2_.add(later.error2_.value());
  max_error_ = std::max(max_error_, later.max_error_);
  count_ += later.count_;
}

double Distortion::sqnr_db() const {
  if (error2_.value() <= 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(reference2_.value() / error2_.value());
}

double Distortion::mean_squared_error() const {
  return count_ == 0 ? 0 : error2_.value() / static_cast<double>(count_);
}

double Distortion::cosine() const {
  const double norms = std::sqrt(reference2_.value()) * std::sqrt(value2_.value());
  if (norms > 0) return product_.value() / norms;
  return reference2_.value() == value2_.value() ? 1 : 0;
}

}  // namespace vetquant
