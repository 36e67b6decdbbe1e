// Whisper's front end: log-mel features as transformers' WhisperFeatureExtractor makes them.
//
// Radford et al. 2022, section 2.2: Hann window (periodic) of 25 ms every 10 ms, centred, the ends mirrored; power; mel
// filters by Slaney's scale and norm (Auditory Toolbox 1998) up to half the sample rate; log10 of at least 1e-10, at least
// the clip's largest - 8, then (x + 4) / 4.
#pragma once

#include <compare>
#include <cstddef>
#include <span>
#include <vector>

namespace vetquant {

struct LogMelSettings {
  int sample_rate = 16000;
  size_t mels = 80, window = 400, hop = 160;
  size_t frames = 3000;  // shorter sound is followed by silence
  auto operator<=>(const LogMelSettings&) const = default;
};

class LogMel {
 public:
  explicit LogMel(const LogMelSettings& settings);
  const LogMelSettings& settings() const { return settings_; }
  size_t samples() const { return settings_.frames * settings_.hop; }
  // `sound`: at most samples(). -> [mels, frames]
  std::vector<float> features(std::span<const float> sound) const;

 private:
  std::vector<double> power(std::span<const double> frame) const;  // [window / 2 + 1]

  LogMelSettings settings_;
  std::vector<double> window_, cosine_;  // cosine_[k] = cos(2 pi k / window)
  struct Filter {
    size_t first = 0;
    std::vector<double> weights;
  };
  std::vector<Filter> filters_;
};

}  // namespace vetquant
