#include "vetquant/eval/judge.h"

#include <algorithm>

#include "answer_key.h"
#include "judge_language.h"
#include "judge_speech.h"
#include "judged.h"
#include "judged_files.h"
#include "kept_answers.h"
#include "vetquant/core/error.h"
#include "vetquant/core/hash.h"
#include "vetquant/core/interrupt.h"
#include "vetquant/core/parallel.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;

class Judge {
 public:
  Judge(const TestSet& set, const JudgeOptions& options)
      : set_(set), options_(options), models_(options.models.size()) {
    result_.models.resize(models_.size());
    result_.baseline = options.baseline;
  }

  Judgement run() {
    describe_run();
    name_models();
    for (size_t m = 0; m < models_.size(); ++m) count_operators(models_[m].files, options_, result_.models[m]);
    try {
      run_models();
    } catch (...) {
      // All at once: the memory of each takes the system its time.
      for (Judged& model : models_) {
        if (model.worker) model.worker->abandon();
      }
      throw;
    }
    return std::move(result_);
  }

 private:
  void run_models() {
    for (size_t m = 0; m < models_.size(); ++m) open(m);
    find_answers();
    if (set_.task == TaskKind::kLanguageModel) {
      result_.steps = judge_language(set_, options_, models_);
    } else if (set_.task == TaskKind::kSpeech) {
      result_.steps = judge_speech(set_, options_, models_);  // times rounds, too
    } else {
      answer_all();
    }
    if (options_.timed_rounds > 0 && set_.task != TaskKind::kSpeech) measure_latency(models_, options_);
    for (size_t m = 0; m < models_.size(); ++m) finish(m);
  }

  void describe_run() {
    result_.set_name = set_.name;
    result_.set_path = set_.path.string();
    result_.set_license = set_.license;
    result_.set_digest = set_.digest;
    result_.task = name_of(set_.task);
    result_.unit = set_.unit;
    result_.normalisation = set_.normalisation;
    result_.samples = set_.samples;
    result_.clusters = set_.cluster_count;
    result_.labels = set_.labels;
    result_.session = describe(options_.session);
    result_.warm_up_runs = options_.timed_rounds > 0 ? options_.warm_up_runs : 0;
    result_.timed_rounds = options_.timed_rounds;
    result_.resamples = options_.statistics.resamples;
    result_.confidences_pct = options_.statistics.confidences_pct;
  }

  // A file's stem, a folder's whole name.
  static std::string short_name(const fs::path& path) {
    if (!fs::is_directory(path)) return path.stem().string();
    const fs::path named = fs::absolute(path).lexically_normal();
    return (named.has_filename() ? named.filename() : named.parent_path().filename()).string();
  }

  void name_models() {
    for (size_t m = 0; m < models_.size(); ++m) {
      const fs::path& path = options_.models[m];
      const auto same = [&](const fs::path& other) { return short_name(other) == short_name(path); };
      const bool unique = std::count_if(options_.models.begin(), options_.models.end(), same) == 1;
      result_.models[m].path = path;
      result_.models[m].name = unique ? short_name(path) : path.string();
      if (!fs::exists(path)) throw Error(ErrorCode::kIo, "there is no such model", path.string());
      if (set_.task == TaskKind::kSpeech) {
        find_speech_parts(m);
      } else {
        models_[m].files = {one_graph(path)};
      }
    }
  }

  // A model without settings of its own takes the baseline's.
  void find_speech_parts(size_t m) {
    const SpeechFiles files = speech_files(options_.models[m]);
    models_[m].files = files.all();
    std::vector<fs::path> folders;
    for (const size_t from : {m, options_.baseline}) {
      const fs::path& path = options_.models[from];
      folders.push_back(fs::is_directory(path) ? path : path.parent_path());
    }
    speech_parts_.push_back({files, speech_settings(files, folders, *set_.speech), settings_files(folders)});
  }

  void open(size_t m) {
    ModelResult& model = result_.models[m];
    Judged& judged = models_[m];
    judged.attempt([&] {
      judged.worker = std::make_unique<Worker>(options_.worker, options_.limits);
      if (set_.task == TaskKind::kSpeech) {
        judged.speech_model =
            std::make_unique<SpeechModel>(*judged.worker, speech_parts_[m].files, speech_parts_[m].settings,
                                          options_.runtime_library, options_.session);
        judged.opened = judged.speech_model->opened();
      } else {
        judged.opened = judged.worker->open(options_.runtime_library, judged.files[0], options_.session);
      }
      result_.runtime_version = judged.opened.runtime_version;
      model.inputs = judged.opened.inputs;
      model.outputs = judged.opened.outputs;
      judged.answers.resize(set_.task == TaskKind::kClassification ? set_.samples : 0);
    });
    report("load", m + 1, models_.size(), "models");
  }

  // What the cache holds of this test set. Of language models the baseline's distribution is part of every answer.
  void find_answers() {
    if (!options_.cache || set_.task == TaskKind::kTensors || set_.path.empty()) return;
    const std::string circumstances = circumstances_digest(set_, options_);
    const auto key_of = [&](size_t m) {
      const std::vector<fs::path> none;
      return answer_key(circumstances, models_[m].files,
                        speech_parts_.empty() ? none : speech_parts_[m].settings_files);
    };
    const std::string base_key = key_of(options_.baseline);
    const size_t samples = set_.language ? set_.language->documents.size() + set_.language->cloze.size() : set_.samples;
    for (size_t m = 0; m < models_.size(); ++m) {
      if (!models_[m].alive()) continue;
      std::string key = m == options_.baseline ? base_key : key_of(m);
      if (set_.language && m != options_.baseline) key = digest_of(key + " against " + base_key);
      models_[m].stored = StoredAnswers(*options_.cache, std::move(key), samples, result_.models[m].path.string());
    }
  }

  // The model that decides what is fed: the baseline, or the first that lives.
  size_t reference() const {
    if (models_[options_.baseline].alive()) return options_.baseline;
    for (size_t m = 0; m < models_.size(); ++m) {
      if (models_[m].alive()) return m;
    }
    return models_.size();
  }

  // The first sample is always run: times are taken on it, and memory.
  bool wants(const Judged& model, size_t sample) const {
    return model.alive() && (sample == 0 || sample >= model.stored.known());
  }

  void answer_all() {
    for (Judged& model : models_) {
      model.restore([&](size_t sample, ByteReader& reader) { model.answers.at(sample) = read_answer(reader, set_); });
    }
    for (size_t sample = 0; sample < set_.samples; ++sample) {
      if (reference() == models_.size()) break;
      const size_t steps = steps_of(set_, sample);
      result_.steps += steps;
      const bool wanted =
          std::any_of(models_.begin(), models_.end(), [&](const Judged& model) { return wants(model, sample); });
      for (Judged& model : models_) model.outputs.clear();
      for (size_t step = 0; wanted && step < steps; ++step) answer(sample, step);
      keep_answers(sample);
      report("judge", sample + 1, set_.samples, set_.unit + "s");
    }
    for (Judged& model : models_) model.stored.save();
  }

  void keep_answers(size_t sample) {
    if (set_.task != TaskKind::kClassification) return;
    for (Judged& model : models_) {
      if (!model.alive() || sample < model.stored.known()) continue;
      ByteWriter answer;
      write(answer, model.answers[sample]);
      model.stored.add(answer);
    }
  }

  void answer(size_t sample, size_t step) {
    const size_t first = reference();
    if (first == models_.size()) return;
    // A set that does not fit the reference is the user's mistake, not a result.
    const std::vector<NamedTensor> feed = feed_of(set_, sample, step, models_[first].opened.inputs);
    parallel_for(models_.size(), options_.models_at_once, [&](uint64_t m) {
      Judged& model = models_[m];
      if (!wants(model, sample)) return;
      model.attempt([&] {
        std::vector<NamedTensor> own = own_feed(model, feed);
        model.outputs = model.worker->run(own);
        if (sample == 0 && step == 0) model.first_feed = std::move(own);
      });
    });
    interrupt::check();
    if (set_.task == TaskKind::kClassification) {
      for (size_t m = 0; m < models_.size(); ++m) {
        if (wants(models_[m], sample)) note_answer(m, sample, first);
      }
    } else {
      for (Judged& model : models_) note_closeness(model, models_[options_.baseline], sample);
    }
  }

  // The same values in the model's own types; states come from its own latest outputs.
  std::vector<NamedTensor> own_feed(const Judged& model, const std::vector<NamedTensor>& feed) const {
    std::vector<NamedTensor> own;
    for (const TensorInfo& info : model.opened.inputs) {
      const HostTensor* source = tensor_called(feed, info.name);
      for (const StatePair& pair : set_.state) {
        if (pair.input != info.name || source) continue;
        source = tensor_called(model.outputs, pair.output);
        if (!source)
          throw Error(ErrorCode::kUsage,
                      "the model has no output '" + pair.output + "', which the test set feeds back");
      }
      if (!source)
        throw Error(ErrorCode::kUsage,
                    "the model wants an input '" + info.name + "', which the baseline does not have");
      own.push_back({info.name, fitted(*source, info)});
    }
    return own;
  }

  static const HostTensor* tensor_called(const std::vector<NamedTensor>& tensors, const std::string& name) {
    for (const NamedTensor& entry : tensors) {
      if (entry.name == name) return &entry.tensor;
    }
    return nullptr;
  }

  void note_answer(size_t m, size_t sample, size_t first) {
    const auto note = [&] {
      const auto& outputs = models_[m].outputs;
      const HostTensor* scores =
          set_.scores.empty() ? (outputs.empty() ? nullptr : &outputs[0].tensor) : tensor_called(outputs, set_.scores);
      if (!scores)
        throw Error(ErrorCode::kUsage,
                    "the model has no output '" + set_.scores + "', which the test set calls the scores",
                    set_.path.string());
      models_[m].answers[sample] = answer_of(*scores, set_, sample);
    };
    if (m == first && models_[m].alive()) {
      note();
    } else {
      models_[m].attempt(note);
    }
  }

  bool is_compared(const std::string& output) const {
    if (!set_.outputs.empty()) return std::find(set_.outputs.begin(), set_.outputs.end(), output) != set_.outputs.end();
    return std::none_of(set_.state.begin(), set_.state.end(),
                        [&](const StatePair& pair) { return pair.output == output; });
  }

  void note_closeness(Judged& model, const Judged& base, size_t sample) const {
    if (&model == &base || !base.alive()) return;
    model.attempt([&] {
      for (const NamedTensor& expected : base.outputs) {
        if (!is_compared(expected.name)) continue;
        const HostTensor* own = tensor_called(model.outputs, expected.name);
        if (!own) throw Error(ErrorCode::kGate, "the model has no output '" + expected.name + "'");
        const auto threshold = set_.thresholds.find(expected.name);
        auto& samples = model.closeness[expected.name];
        samples.resize(set_.samples);
        add_closeness(expected.tensor, *own, threshold == set_.thresholds.end() ? nullptr : &threshold->second,
                      expected.name, samples[sample]);
      }
    });
  }

  void finish(size_t m) {
    ModelResult& model = result_.models[m];
    Judged& judged = models_[m];
    const Judged& base = models_[options_.baseline];
    MemoryUse memory;
    judged.attempt([&] { memory = judged.worker->memory(); });
    model.failure = judged.failure;
    const bool compared = m != options_.baseline && base.alive();
    if (judged.alive()) add_accuracy(model, judged, compared ? &base : nullptr);
    double bytes = 0;
    for (const fs::path& file : judged.files) {
      bytes += static_cast<double>(model_bytes(file));
      for (StoredWeightBytes& weight : weights_of(file)) model.weights.push_back(std::move(weight));
    }
    add_single(m, "file_bytes", "B", bytes, "a count: the model and the external data it names");
    if (!judged.alive()) return;
    add_single(m, "load_ms", "ms", judged.opened.load_ms, "one measurement, the file being cached");
    if (!judged.latencies_ms.empty()) {
      model.metrics.push_back(round_metric("latency_ms", "ms", judged.latencies_ms,
                                           compared ? base.latencies_ms : std::vector<double>{},
                                           options_.statistics.confidences_pct));
    }
    for (Metric& metric : speech_pace_metrics(judged.speech, compared ? &base.speech : nullptr, options_.statistics))
      model.metrics.push_back(std::move(metric));
    add_single(m, "settled_bytes", "B", static_cast<double>(memory.anonymous_bytes),
               judged.stored.known() == 0 ? "one measurement: resident anonymous memory after all runs"
                                          : "one measurement: resident anonymous memory after the runs of this time; "
                                            "other answers were known");
    add_single(m, "peak_bytes", "B", static_cast<double>(memory.peak_bytes),
               "one measurement: most resident memory of the process");
  }

  void add_accuracy(ModelResult& model, const Judged& judged, const Judged* base) const {
    if (set_.task == TaskKind::kClassification) {
      model.metrics = classification_metrics(set_, judged.answers, base ? base->answers : std::vector<Answer>{},
                                             options_.statistics);
      model.confusion = confusion_of(set_, judged.answers);
    } else if (set_.task == TaskKind::kLanguageModel) {
      model.metrics =
          language_metrics(*set_.language, judged.language, base ? &base->language : nullptr, options_.statistics);
      if (base) model.examples = language_examples(*set_.language, judged.language, base->language);
    } else if (set_.task == TaskKind::kSpeech) {
      model.metrics = speech_metrics(set_, judged.speech, base ? &base->speech : nullptr, options_.statistics);
      if (base) model.examples = speech_examples(*set_.speech, judged.speech, base->speech);
    } else if (base) {
      model.metrics = closeness_metrics(set_, judged.closeness, options_.statistics);
    }
  }

  // The baseline's figure is looked up by the metric's key where it has been finished, else measured figures follow later:
  // models are finished in order, so differences of single figures are added when both are there.
  void add_single(size_t m, const std::string& key, const std::string& unit, double value, const std::string& method) {
    Metric metric{key, "", unit, Better::kLower, Estimate{value, {}, method, false}, std::nullopt, std::nullopt};
    singles_[key][m] = value;
    result_.models[m].metrics.push_back(std::move(metric));
    for (auto& [other, found] : singles_[key]) compare_single(other, key, found);
  }

  void compare_single(size_t m, const std::string& key, double value) {
    const auto& all = singles_[key];
    const auto base = all.find(options_.baseline);
    if (m == options_.baseline || base == all.end()) return;
    for (Metric& metric : result_.models[m].metrics) {
      if (metric.key != key) continue;
      metric.difference = Estimate{value - base->second, {}, metric.value.method, false};
      derive_ratio(metric, base->second);
      if (metric.ratio) metric.ratio->method = metric.value.method;
    }
  }

  void report(std::string_view stage, uint64_t done, uint64_t total, const std::string& unit) const {
    if (options_.progress) options_.progress({stage, done, total, unit});
  }

  const TestSet& set_;
  const JudgeOptions& options_;
  struct SpeechParts {
    SpeechFiles files;
    SpeechSettings settings;
    std::vector<fs::path> settings_files;
  };

  std::vector<Judged> models_;
  std::vector<SpeechParts> speech_parts_;  // of each model; speech
  Judgement result_;
  std::map<std::string, std::map<size_t, double>> singles_;  // by metric, then model
};

}  // namespace

Judgement judge(const TestSet& set, const JudgeOptions& options) {
  if (options.models.empty() || options.baseline >= options.models.size())
    throw Error(ErrorCode::kUsage, "no model to judge");
  return Judge(set, options).run();
}

const Metric* find_metric(const ModelResult& model, const std::string& key, const std::string& output) {
  for (const Metric& metric : model.metrics) {
    if (metric.key == key && (output.empty() || metric.output == output)) return &metric;
  }
  return nullptr;
}

}  // namespace vetquant
