#include "whisper_choice.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace vetquant {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

class Scores {
 public:
  Scores(const WhisperSettings& settings, std::span<const float> logits)
      : settings_(settings),
        values_(logits.begin(), logits.end()),
        times_(std::min<size_t>(settings.first_timestamp, logits.size())) {
    std::replace_if(
        values_.begin(), values_.end(), [](float value) { return std::isnan(value); }, kNever);
  }

  void suppress(std::span<const uint32_t> ids) {
    for (const uint32_t id : ids) {
      if (id < values_.size()) values_[id] = kNever;
    }
  }

  void keep_to_times(std::span<const uint32_t> said) {
    if (settings_.no_timestamps) suppress({&*settings_.no_timestamps, 1});
    if (said.empty()) {
      forbid(0, times_);
      if (settings_.latest_start) forbid(times_ + *settings_.latest_start + 1, values_.size());
    } else {
      keep_pairs(said);
    }
    if (times_are_likelier()) forbid(0, times_);
  }

  uint32_t best() const {
    const auto most = std::max_element(values_.begin(), values_.end());
    return most == values_.end() || *most == kNever ? settings_.end : static_cast<uint32_t>(most - values_.begin());
  }

 private:
  void forbid(size_t begin, size_t end) {
    for (size_t id = begin; id < std::min(end, values_.size()); ++id) values_[id] = kNever;
  }

  void keep_pairs(std::span<const uint32_t> said) {
    const auto is_time = [&](uint32_t id) { return id >= times_; };
    const bool last = is_time(said.back()), before = said.size() < 2 || is_time(said[said.size() - 2]);
    if (last) before ? forbid(times_, values_.size()) : forbid(0, settings_.end);
    const auto time = std::find_if(said.rbegin(), said.rend(), is_time);
    if (time == said.rend()) return;
    const bool may_repeat = last && !before;  // the next piece begins where this one ends
    forbid(times_, *time + (may_repeat ? 0 : 1));
  }

  // Sums of exponentials, relative to the largest.
  bool times_are_likelier() const {
    const float most = *std::max_element(values_.begin(), values_.end());
    if (most == kNever || times_ == 0) return false;
    double times = 0;
    for (size_t id = times_; id < values_.size(); ++id) times += std::exp(double{values_[id]} - double{most});
    const float text = *std::max_element(values_.begin(), values_.begin() + static_cast<std::ptrdiff_t>(times_));
    return times > std::exp(double{text} - double{most});
  }

  const WhisperSettings& settings_;
  std::vector<float> values_;
  size_t times_;  // the first
};

}  // namespace

uint32_t next_token(const WhisperSettings& settings, std::span<const float> logits, std::span<const uint32_t> said) {
  Scores scores(settings, logits);
  scores.suppress(settings.suppressed);
  if (said.empty()) scores.suppress(settings.suppressed_first);
  if (settings.timestamps) scores.keep_to_times(said);
  return scores.best();
}

}  // namespace vetquant
