#include "sample_runner.h"

#include <algorithm>

#include "causal_model.h"
#include "clip_sounds.h"
#include "judged.h"
#include "speech_model.h"
#include "vetquant/core/error.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;

// As written, one thread: what is observed must not hang on how many there are, nor on what the runtime fuses.
SessionOptions session_options(const ObserveOptions& options) {
  SessionOptions session;
  session.threads = 1;
  session.optimization = Optimization::kNone;
  session.observers = options.observers;
  return session;
}

const HostTensor* tensor_called(const std::vector<NamedTensor>& tensors, const std::string& name) {
  const auto found =
      std::find_if(tensors.begin(), tensors.end(), [&](const NamedTensor& entry) { return entry.name == name; });
  return found == tensors.end() ? nullptr : &found->tensor;
}

// classification, tensors: a sample is one step or several, states going from each to the next.
class FedSamples : public SampleRunner {
 public:
  FedSamples(const TestSet& set, const ObserveOptions& options, std::mutex& reading)
      : set_(set), reading_(reading), worker_(options.worker, options.limits) {
    opened_ = worker_.open(options.runtime_library, options.observed, session_options(options));
    for (const StatePair& pair : set.state) {
      check_state(opened_.outputs, "output", pair.output);
      check_state(opened_.inputs, "input", pair.input);
      wanted_.push_back(pair.output);
    }
    if (wanted_.empty()) wanted_.push_back(smallest_output());
  }

  void run(size_t sample) override {
    std::vector<NamedTensor> states;
    const size_t steps = [&] {
      const std::lock_guard lock(reading_);
      return steps_of(set_, sample);
    }();
    for (size_t step = 0; step < steps; ++step) states = worker_.run(feed(sample, step, states), wanted_);
  }

  Worker& worker() override { return worker_; }

 private:
  void check_state(const std::vector<TensorInfo>& all, const std::string& what, const std::string& name) const {
    const bool known = std::any_of(all.begin(), all.end(), [&](const TensorInfo& info) { return info.name == name; });
    if (!known)
      throw Error(ErrorCode::kUsage, "names a state by '" + name + "', but the model has no such " + what,
                  set_.path.string());
  }

  // Something has to be asked for.
  std::string smallest_output() const {
    const auto size = [](const TensorInfo& info) {
      int64_t product = bits_of(info.dtype) > 0 ? 1 : INT64_MAX;
      for (const int64_t dim : info.shape) product *= product == INT64_MAX ? 1 : std::clamp<int64_t>(dim, 1, 1 << 10);
      return product;
    };
    return std::min_element(opened_.outputs.begin(), opened_.outputs.end(),
                            [&](const auto& a, const auto& b) { return size(a) < size(b); })
        ->name;
  }

  std::vector<NamedTensor> feed(size_t sample, size_t step, const std::vector<NamedTensor>& states) {
    std::vector<NamedTensor> given = [&] {
      const std::lock_guard lock(reading_);
      return feed_of(set_, sample, step, opened_.inputs);
    }();
    for (const StatePair& pair : set_.state) {
      const HostTensor* state = tensor_called(states, pair.output);
      if (state == nullptr || tensor_called(given, pair.input) != nullptr) continue;
      const auto wanted = std::find_if(opened_.inputs.begin(), opened_.inputs.end(),
                                       [&](const TensorInfo& info) { return info.name == pair.input; });
      given.push_back({pair.input, fitted(*state, *wanted)});
    }
    return given;
  }

  const TestSet& set_;
  std::mutex& reading_;
  Worker worker_;
  OpenedModel opened_;
  std::vector<std::string> wanted_;
};

// language_model: each token of a document once, a window at a time; gaps filled with what belongs there.
class ReadTexts : public SampleRunner {
 public:
  ReadTexts(const TestSet& set, const ObserveOptions& options) : set_(*set.language) {
    model_.worker = std::make_unique<Worker>(options.worker, options.limits);
    model_.opened = worker().open(options.runtime_library, options.observed, session_options(options));
    check_causal(model_.opened, set_.greatest_id);
  }

  void run(size_t sample) override {
    const auto ids = std::span<const uint32_t>(text_of(sample).ids);
    for (size_t begin = 0; begin < ids.size(); begin += set_.window) {
      CausalReader(model_, set_.tokens_per_run, set_.greatest_id)
          .read(ids.subspan(begin, std::min(set_.window, ids.size() - begin)));
    }
  }

  Worker& worker() override { return *model_.worker; }

 private:
  const ScoredText& text_of(size_t sample) const {
    if (sample < set_.documents.size()) return set_.documents[sample].text;
    const ClozeItem& item = set_.cloze[sample - set_.documents.size()];
    return item.texts.at(item.answer);
  }

  const LanguageSet& set_;
  Judged model_;
};

// The parts beside the model, or (CTC) the model alone.
SpeechFiles speech_files_of(const fs::path& model) {
  if (!fs::is_directory(model)) {
    const std::string name = model.filename().string();
    const bool part = name.find("encoder") != std::string::npos || name.find("decoder") != std::string::npos;
    if (part) return speech_files(model.has_parent_path() ? model.parent_path() : fs::path("."));
  }
  return speech_files(model);
}

fs::path folder_of(const fs::path& model) { return model.has_parent_path() ? model.parent_path() : fs::path("."); }

class HeardClips : public SampleRunner {
 public:
  HeardClips(const TestSet& set, const ObserveOptions& options, std::mutex& reading)
      : set_(*set.speech), reading_(reading), worker_(options.worker, options.limits) {
    SpeechFiles files = speech_files_of(options.model);
    const SpeechSettings settings = speech_settings(files, {folder_of(options.model)}, set_);
    for (fs::path* part : {&files.encoder, &files.decoder, &files.decoder_with_past}) {
      std::error_code ignored;
      if (fs::equivalent(*part, options.model, ignored)) *part = options.observed;
    }
    model_ = std::make_unique<SpeechModel>(worker_, files, settings, options.runtime_library, session_options(options));
  }

  void run(size_t sample) override {
    const std::span<const float> sound = [&] {
      const std::lock_guard lock(reading_);
      return sounds_.of(set_.clips[sample], model_->sample_rate());
    }();
    features_.begin(sound);
    model_->prepare(features_);
    model_->transcribe(sound, features_);
  }

  Worker& worker() override { return worker_; }

 private:
  const SpeechSet& set_;
  std::mutex& reading_;
  Worker worker_;
  std::unique_ptr<SpeechModel> model_;
  FeatureCache features_;
  ClipSounds sounds_;
};

}  // namespace

std::unique_ptr<SampleRunner> make_sample_runner(const TestSet& set, const ObserveOptions& options,
                                                 std::mutex& reading) {
  switch (set.task) {
    case TaskKind::kLanguageModel:
      return std::make_unique<ReadTexts>(set, options);
    case TaskKind::kSpeech:
      return std::make_unique<HeardClips>(set, options, reading);
    case TaskKind::kClassification:
    case TaskKind::kTensors:
      break;
  }
  return std::make_unique<FedSamples>(set, options, reading);
}

RunFiles run_files(const TestSet& set, const ObserveOptions& options) {
  if (set.task != TaskKind::kSpeech) return {{options.model}, {}};
  std::vector<fs::path> graphs = {options.model};  // first: which part is observed is part of what was asked
  for (const fs::path& part : speech_files_of(options.model).all()) graphs.push_back(part);
  return {graphs, settings_files({folder_of(options.model)})};
}

}  // namespace vetquant
