#include "vetquant/quant/distortion.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels.h"

namespace vetquant {
namespace {

enum Quantity : size_t { kReference2, kValue2, kProduct, kError2, kQuantities };

// Both roundings of a + b: the sum and what it lost (Knuth, TAOCP 2, 4.2.2, theorem B). The kernels do the same.
void add_to(double& sum, double& compensation, double x) {
  const double total = sum + x, other = total - sum;
  compensation += (sum - (total - other)) + (x - other);
  sum = total;
}

void add_one(DistortionLanes& lanes, size_t lane, float reference, float value) {
  const double r = reference, v = value, error = r - v;
  const double terms[] = {r * r, v * v, r * v, error * error};
  for (size_t q = 0; q < kQuantities; ++q) add_to(lanes.sum[q][lane], lanes.compensation[q][lane], terms[q]);
  lanes.largest[lane] = std::max(lanes.largest[lane], std::abs(error));
}

}  // namespace

void Distortion::add(std::span<const float> reference, std::span<const float> value) {
  size_t i = 0;
  for (; i < reference.size() && count_ % DistortionLanes::kLanes != 0; ++i, ++count_) {
    add_one(lanes_, count_ % DistortionLanes::kLanes, reference[i], value[i]);
  }
  const size_t rows = (reference.size() - i) / DistortionLanes::kLanes;
  kernels::distortion(reference.data() + i, value.data() + i, rows, lanes_);
  i += rows * DistortionLanes::kLanes;
  count_ += rows * DistortionLanes::kLanes;
  for (; i < reference.size(); ++i, ++count_) add_one(lanes_, count_ % DistortionLanes::kLanes, reference[i], value[i]);
}

void Distortion::merge(const Distortion& later) {
  for (size_t lane = 0; lane < DistortionLanes::kLanes; ++lane) {
    for (size_t q = 0; q < kQuantities; ++q) {
      add_to(lanes_.sum[q][lane], lanes_.compensation[q][lane], later.lanes_.sum[q][lane]);
      lanes_.compensation[q][lane] += later.lanes_.compensation[q][lane];
    }
    lanes_.largest[lane] = std::max(lanes_.largest[lane], later.lanes_.largest[lane]);
  }
  count_ += later.count_;
}

double Distortion::total(size_t quantity) const {
  double sum = 0, compensation = 0;
  for (size_t lane = 0; lane < DistortionLanes::kLanes; ++lane) {
    add_to(sum, compensation, lanes_.sum[quantity][lane]);
    compensation += lanes_.compensation[quantity][lane];
  }
  return std::isfinite(sum) ? sum + compensation : sum;  // of an infinity the compensation is no number
}

double Distortion::sqnr_db() const {
  const double error = total(kError2);
  if (error <= 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(total(kReference2) / error);
}

double Distortion::mean_squared_error() const { return count_ == 0 ? 0 : total(kError2) / static_cast<double>(count_); }

double Distortion::max_error() const { return *std::max_element(std::begin(lanes_.largest), std::end(lanes_.largest)); }

double Distortion::cosine() const {
  const double reference = total(kReference2), value = total(kValue2), norms = std::sqrt(reference) * std::sqrt(value);
  if (norms > 0) return total(kProduct) / norms;
  return reference == value ? 1 : 0;
}

}  // namespace vetquant
