#include "judge_speech.h"

#include <algorithm>

#include "clip_sounds.h"
#include "speech_model.h"
#include "vetquant/core/error.h"
#include "vetquant/core/interrupt.h"
#include "vetquant/core/parallel.h"

namespace vetquant {
namespace {

class SpeechJudge {
 public:
  SpeechJudge(const TestSet& set, const JudgeOptions& options, std::vector<Judged>& models)
      : set_(*set.speech), options_(options), models_(models) {}

  size_t run() {
    for (Judged& model : models_) {
      model.restore([&](size_t clip, ByteReader& reader) {
        model.speech.clips.push_back(heard(set_, set_.clips[clip], reader.text()));
      });
    }
    size_t heard_clips = 0;
    for (size_t c = 0; c < set_.clips.size(); ++c) {
      if (!any_alive()) return heard_clips;
      hear(c);
      ++heard_clips;
      report("judge", c + 1, set_.clips.size(), "clips");
    }
    for (Judged& model : models_) model.stored.save();
    wake();
    time_rounds();
    return heard_clips;
  }

 private:
  bool any_alive() const {
    return std::any_of(models_.begin(), models_.end(), [](const Judged& model) { return model.alive(); });
  }

  void report(std::string_view stage, size_t done, size_t total, const std::string& unit) const {
    interrupt::check();
    if (options_.progress) options_.progress({stage, done, total, unit});
  }

  // The baseline says what sound is wanted, or, where it failed, the first that lives.
  int sample_rate() const {
    if (models_[options_.baseline].alive()) return models_[options_.baseline].speech_model->sample_rate();
    const auto first = std::find_if(models_.begin(), models_.end(), [](const Judged& model) { return model.alive(); });
    return first->speech_model->sample_rate();
  }

  std::span<const float> sound_of(const SpeechClip& clip) { return sounds_.of(clip, sample_rate()); }

  void hear(size_t index) {
    const SpeechClip& clip = set_.clips[index];
    const auto wanted = [&](const Judged& model) { return model.alive() && index >= model.stored.known(); };
    if (std::none_of(models_.begin(), models_.end(), wanted)) return;
    const std::span<const float> sound = sound_of(clip);
    features_.begin(sound);
    for (Judged& model : models_) {  // here, for the features are not shared by threads
      if (wanted(model)) model.speech_model->prepare(features_);
    }
    parallel_for(models_.size(), options_.models_at_once, [&](uint64_t m) {
      Judged& model = models_[m];
      if (!wanted(model)) return;
      model.attempt([&] {
        const std::string text = transcript(model, sound);
        model.speech.clips.push_back(heard(set_, clip, text));
        ByteWriter answer;
        answer.text(text);
        model.stored.add(answer);
      });
    });
  }

  std::string transcript(Judged& model, std::span<const float> sound) {
    if (model.speech_model->sample_rate() != sounds_.sample_rate())
      throw Error(ErrorCode::kUsage, "the model wants sound of " + std::to_string(model.speech_model->sample_rate()) +
                                         " Hz, the baseline of " + std::to_string(sounds_.sample_rate()));
    return model.speech_model->transcribe(sound, features_).text;
  }

  // Memory is measured: a model whose answers were known hears the clip of which it has most to say.
  void wake() {
    for (Judged& model : models_) {
      if (!model.alive() || model.stored.known() == 0) continue;
      const auto longest =
          std::max_element(model.speech.clips.begin(), model.speech.clips.end(),
                           [](const HeardClip& a, const HeardClip& b) { return a.text.size() < b.text.size(); });
      const std::span<const float> sound =
          sound_of(set_.clips[static_cast<size_t>(longest - model.speech.clips.begin())]);
      features_.begin(sound);
      model.attempt([&] {
        model.speech_model->prepare(features_);
        transcript(model, sound);
      });
    }
  }

  void time_rounds() {
    if (options_.timed_rounds == 0 || !any_alive()) return;
    const std::span<const float> sound = sound_of(set_.clips[0]);
    features_.begin(sound);
    const size_t count = models_.size();
    for (int round = -options_.warm_up_runs; round < options_.timed_rounds; ++round) {
      for (size_t i = 0; i < count; ++i) {
        Judged& model = models_[round % 2 ? count - 1 - i : i];
        model.attempt([&] {
          model.speech_model->prepare(features_);
          const SpeechPace pace = model.speech_model->transcribe(sound, features_).pace;
          if (round < 0) return;
          model.speech.rounds.push_back(pace);
          model.latencies_ms.push_back(pace.total_ms);
        });
      }
      report("time", static_cast<size_t>(std::max(0, round + 1)), static_cast<size_t>(options_.timed_rounds), "rounds");
    }
  }

  const SpeechSet& set_;
  const JudgeOptions& options_;
  std::vector<Judged>& models_;
  FeatureCache features_;
  ClipSounds sounds_;
};

}  // namespace

size_t judge_speech(const TestSet& set, const JudgeOptions& options, std::vector<Judged>& models) {
  return SpeechJudge(set, options, models).run();
}

}  // namespace vetquant
