// A speech model in a worker: sound in, text out, greedily.
#pragma once

#include <map>
#include <memory>
#include <span>

#include "speech_settings.h"
#include "vetquant/runtime/worker.h"

namespace vetquant {

// Log-mel features of one clip's windows, computed once for all models that want the same.
class FeatureCache {
 public:
  void begin(std::span<const float> sound);                                        // of the next clip
  const std::vector<std::vector<float>>& windows(const LogMelSettings& settings);  // [mels, frames] each

 private:
  std::span<const float> sound_;
  std::map<LogMelSettings, std::vector<std::vector<float>>> made_;
  std::map<LogMelSettings, LogMel> makers_;
};

// Where to cut what is longer than `most` samples: the quietest tenth of a second of the last sixth of each window.
std::vector<std::span<const float>> windows_of(std::span<const float> sound, size_t most, int sample_rate);

struct Heard {
  std::string text;
  SpeechPace pace;
};

class SpeechModel {
 public:
  // Opens all parts in the worker. Error{kUsage} where an input is one that nobody feeds.
  SpeechModel(Worker& worker, SpeechFiles files, SpeechSettings settings, const std::filesystem::path& library,
              const SessionOptions& options);
  const OpenedModel& opened() const {
    return opened_;
  }  // inputs of the encoder, outputs of the decoder, load time of all
  int sample_rate() const { return settings_.sample_rate(); }
  // Makes the clip's features, if they are not there yet.
  void prepare(FeatureCache& features) const;
  // Of the clip that `features` were prepared for. Error{kGate}: the logits do not fit the tokens; and the worker's.
  Heard transcribe(std::span<const float> sound, FeatureCache& features);

 private:
  struct Part {
    size_t number = 0;
    std::vector<TensorInfo> inputs, outputs;
  };
  Part open(const std::filesystem::path& file, const std::filesystem::path& library, const SessionOptions& options);
  void check_decoder(const Part& part, const std::filesystem::path& file) const;
  void check_caches() const;
  void hear_window(const std::vector<float>& features, Heard& heard);
  std::vector<uint32_t> decode(SpeechPace& pace);
  static void add_token(SpeechPace& pace, double ms);
  std::vector<float> step(std::span<const uint32_t> ids, size_t past, double& ms);
  HeldRun run_of(const Part& part, std::span<const uint32_t> ids, size_t past, std::vector<NamedTensor>& inputs) const;
  Heard transcribe_ctc(std::span<const float> sound);

  Worker& worker_;
  SpeechFiles files_;
  SpeechSettings settings_;
  OpenedModel opened_;
  size_t parts_ = 0;  // open ones
  Part encoder_, decoder_, with_past_;
};

}  // namespace vetquant
