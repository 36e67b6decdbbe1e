#include "vetquant/quant/activation_observer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace vetquant::quant {

void ActivationObserver::add(std::span<const float> values) {
  constexpr size_t kPiece = 4096;  // stays in the first cache while it is looked at three times
  std::array<float, kPiece> finite;
  for (size_t begin = 0; begin < values.size(); begin += kPiece) {
    const auto piece = values.subspan(begin, std::min(kPiece, values.size() - begin));
    size_t count = 0;
    for (const float value : piece) {
      if (std::isfinite(value)) {
        finite[count++] = value + 0.0f;  // no -0: which zero comes first must not matter
      } else {
        ++(std::isnan(value) ? nans_ : infinities_);
      }
    }
    if (count > 0) add_finite(std::span(finite).first(count));
  }
}

void ActivationObserver::add_finite(std::span<const float> values) {
  float low = values[0], high = values[0];
  double sum = 0;
  uint64_t zeros = 0;
  for (const float value : values) {
    low = std::min(low, value);
    high = std::max(high, value);
    sum += static_cast<double>(value);
    zeros += value == 0 ? 1 : 0;
  }
  const double mean = sum / static_cast<double>(values.size());
  double squares = 0;
  for (const float value : values) {
    const double distance = static_cast<double>(value) - mean;
    squares += distance * distance;
  }
  minimum_ = finite_ == 0 ? low : std::min(minimum_, low);
  maximum_ = finite_ == 0 ? high : std::max(maximum_, high);
  sample_minimum_ = of_sample_ == 0 ? low : std::min(sample_minimum_, low);
  sample_maximum_ = of_sample_ == 0 ? high : std::max(sample_maximum_, high);
  add_moments(values.size(), mean, squares);
  zeros_ += zeros;
  of_sample_ += values.size();
  histogram_.add(values);
}

void ActivationObserver::add_moments(uint64_t count, double mean, double squares) {
  if (count == 0) return;
  const double before = static_cast<double>(finite_), more = static_cast<double>(count), all = before + more;
  const double distance = mean - mean_;
  mean_ += distance * more / all;
  squares_ += squares + distance * distance * before * more / all;
  finite_ += count;
}

void ActivationObserver::end_sample() {
  if (of_sample_ > 0) {
    minima_ += static_cast<double>(sample_minimum_);
    maxima_ += static_cast<double>(sample_maximum_);
    ++samples_;
  }
  of_sample_ = 0;
  sample_minimum_ = sample_maximum_ = 0;
}

void ActivationObserver::merge(const ActivationObserver& later) {
  if (later.finite_ > 0) {
    minimum_ = finite_ == 0 ? later.minimum_ : std::min(minimum_, later.minimum_);
    maximum_ = finite_ == 0 ? later.maximum_ : std::max(maximum_, later.maximum_);
  }
  add_moments(later.finite_, later.mean_, later.squares_);
  zeros_ += later.zeros_;
  nans_ += later.nans_;
  infinities_ += later.infinities_;
  samples_ += later.samples_;
  minima_ += later.minima_;
  maxima_ += later.maxima_;
  histogram_.merge(later.histogram_);
}

double ActivationObserver::deviation() const {
  return finite_ == 0 ? 0 : std::sqrt(std::max(0.0, squares_ / static_cast<double>(finite_)));
}

void ActivationObserver::write(ByteWriter& writer) const {
  for (const uint64_t count : {finite_, zeros_, nans_, infinities_, samples_}) writer.number(count);
  for (const float extreme : {minimum_, maximum_}) writer.number(std::bit_cast<uint32_t>(extreme));
  for (const double figure : {mean_, squares_, minima_, maxima_}) writer.real(figure);
  histogram_.write(writer);
}

ActivationObserver ActivationObserver::read(ByteReader& reader, ErrorCode code) {
  ActivationObserver observer;
  for (uint64_t* count :
       {&observer.finite_, &observer.zeros_, &observer.nans_, &observer.infinities_, &observer.samples_})
    *count = reader.number();
  for (float* extreme : {&observer.minimum_, &observer.maximum_})
    *extreme = std::bit_cast<float>(static_cast<uint32_t>(reader.number()));
  for (double* figure : {&observer.mean_, &observer.squares_, &observer.minima_, &observer.maxima_})
    *figure = reader.real();
  observer.histogram_ = GrowingHistogram::read(reader, code);
  uint64_t counted = 0;
  for (const uint64_t count : observer.histogram_.counts()) counted += count;
  const bool possible = counted == observer.finite_ && std::isfinite(observer.minimum_) &&
                        std::isfinite(observer.maximum_) && observer.minimum_ <= observer.maximum_;
  if (!possible) throw Error(code, "holds impossible statistics of an activation");
  return observer;
}

}  // namespace vetquant::quant
