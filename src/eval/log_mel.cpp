#include "log_mel.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace vetquant {
namespace {

constexpr double kLeastPower = 1e-10, kRange = 8;

// Slaney's scale: linear to 1 kHz, then 27 mels for a factor of 6.4.
constexpr double kHzPerMel = 200.0 / 3, kBreakHz = 1000, kBreakMel = kBreakHz / kHzPerMel;
const double kMelsPerNat = 27 / std::log(6.4);

double mel_of(double hz) { return hz < kBreakHz ? hz / kHzPerMel : kBreakMel + std::log(hz / kBreakHz) * kMelsPerNat; }
double hz_of(double mel) {
  return mel < kBreakMel ? mel * kHzPerMel : kBreakHz * std::exp((mel - kBreakMel) / kMelsPerNat);
}

// Index of a sample beyond either end, mirrored at it (the end itself is not repeated).
size_t mirrored(ptrdiff_t at, size_t size) {
  const auto last = static_cast<ptrdiff_t>(size) - 1;
  if (at < 0) at = -at;
  if (at > last) at = 2 * last - at;
  return static_cast<size_t>(at);
}

}  // namespace

LogMel::LogMel(const LogMelSettings& settings) : settings_(settings) {
  const size_t window = settings.window, bins = window / 2 + 1;
  for (size_t i = 0; i < window; ++i) {
    const double turn = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(window);
    cosine_.push_back(std::cos(turn));
    window_.push_back(0.5 - 0.5 * std::cos(turn));
  }
  const double rate = settings.sample_rate, top = mel_of(rate / 2);
  std::vector<double> corners;
  for (size_t m = 0; m < settings.mels + 2; ++m)
    corners.push_back(hz_of(top * static_cast<double>(m) / static_cast<double>(settings.mels + 1)));
  for (size_t m = 0; m < settings.mels; ++m) {
    const double low = corners[m], middle = corners[m + 1], high = corners[m + 2];
    Filter filter;
    for (size_t bin = 0; bin < bins; ++bin) {
      const double hz = rate * static_cast<double>(bin) / static_cast<double>(window);
      const double weight = std::min((hz - low) / (middle - low), (high - hz) / (high - middle));
      if (weight <= 0 && filter.weights.empty()) continue;
      if (weight <= 0) break;
      if (filter.weights.empty()) filter.first = bin;
      filter.weights.push_back(weight * 2 / (high - low));
    }
    filters_.push_back(std::move(filter));
  }
}

// Real and imaginary part of bin k need x[n] + x[-n] and x[n] - x[-n] only: half the products.
std::vector<double> LogMel::power(std::span<const double> frame) const {
  const size_t n = frame.size(), half = n / 2;
  std::vector<double> even(half + 1), odd(half + 1), power;
  even[0] = frame[0];
  for (size_t i = 1; i < half; ++i) {
    even[i] = frame[i] + frame[n - i];
    odd[i] = frame[i] - frame[n - i];
  }
  even[half] = frame[half];
  for (size_t k = 0; k <= half; ++k) {
    double real = even[0], imaginary = 0;
    for (size_t i = 1, turn = k; i <= half; ++i) {
      real += even[i] * cosine_[turn];
      imaginary += odd[i] * cosine_[turn >= n / 4 ? turn - n / 4 : turn + n - n / 4];  // the sine
      turn += k;
      if (turn >= n) turn -= n;
    }
    power.push_back(real * real + imaginary * imaginary);
  }
  return power;
}

std::vector<float> LogMel::features(std::span<const float> sound) const {
  const size_t frames = settings_.frames, mels = settings_.mels, window = settings_.window;
  std::vector<float> logs(mels * frames, static_cast<float>(std::log10(kLeastPower)));
  std::vector<double> frame(window);
  const auto sample = [&](ptrdiff_t at) {
    const size_t place = mirrored(at, samples());
    return place < sound.size() ? static_cast<double>(sound[place]) : 0.0;
  };
  for (size_t f = 0; f < frames; ++f) {
    const ptrdiff_t begin = static_cast<ptrdiff_t>(f * settings_.hop) - static_cast<ptrdiff_t>(window / 2);
    const bool silent = begin >= static_cast<ptrdiff_t>(sound.size()) && f * settings_.hop + window < samples();
    if (silent) continue;
    for (size_t i = 0; i < window; ++i) frame[i] = window_[i] * sample(begin + static_cast<ptrdiff_t>(i));
    const std::vector<double> spectrum = power(frame);
    for (size_t m = 0; m < mels; ++m) {
      double energy = 0;
      for (size_t i = 0; i < filters_[m].weights.size(); ++i)
        energy += filters_[m].weights[i] * spectrum[filters_[m].first + i];
      logs[m * frames + f] = static_cast<float>(std::log10(std::max(energy, kLeastPower)));
    }
  }
  const auto floor = static_cast<float>(*std::max_element(logs.begin(), logs.end()) - kRange);
  for (float& value : logs) value = (std::max(value, floor) + 4) / 4;
  return logs;
}

}  // namespace vetquant
