#include "speech_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "exported_names.h"
#include "vetquant/core/error.h"
#include "vetquant/eval/input_source.h"
#include "whisper_choice.h"

namespace vetquant {
namespace {

constexpr int64_t kMostUnread = int64_t{1} << 24;  // elements
constexpr const char* kHidden = "encoder_hidden_states";

bool is_cross(const std::string& cache) { return cache.find(".encoder.") != std::string::npos; }

HostTensor numbers(const TensorInfo& info, const std::vector<int64_t>& values) {
  std::vector<int64_t> shape = {static_cast<int64_t>(values.size())};
  if (info.shape.size() == 2) shape.insert(shape.begin(), 1);
  return fitted(make_int64s(shape, values), info);
}

// A cache that the branch without caches wants, but does not read: every open axis is 1 long.
HostTensor unread_cache(const TensorInfo& info) {
  HostTensor tensor{info.dtype, info.shape, {}};
  int64_t elements = 1;
  for (int64_t& dim : tensor.shape) {
    dim = dim < 0 ? 1 : dim;
    elements = dim > kMostUnread ? kMostUnread + 1 : elements * dim;
    if (elements > kMostUnread) throw Error(ErrorCode::kUsage, "the decoder wants a cache of " + describe(info));
  }
  tensor.data.resize(bytes_of(tensor.dtype, elements_of(tensor)));
  return tensor;
}

double energy_of(std::span<const float> sound) {
  double energy = 0;
  for (const float value : sound) energy += static_cast<double>(value) * value;
  return energy;
}

std::vector<float> normalised(std::span<const float> sound) {
  constexpr double kLeastVariance = 1e-7;  // as transformers' Wav2Vec2FeatureExtractor
  double sum = 0;
  for (const float value : sound) sum += value;
  const double mean = sum / static_cast<double>(sound.size());
  double squares = 0;
  for (const float value : sound) squares += (value - mean) * (value - mean);
  const double scale = 1 / std::sqrt(squares / static_cast<double>(sound.size()) + kLeastVariance);
  std::vector<float> out;
  for (const float value : sound) out.push_back(static_cast<float>((value - mean) * scale));
  return out;
}

}  // namespace

std::vector<std::span<const float>> windows_of(std::span<const float> sound, size_t most, int sample_rate) {
  std::vector<std::span<const float>> windows;
  const size_t piece = std::max<size_t>(1, static_cast<size_t>(sample_rate) / 10);
  while (sound.size() > most) {
    size_t cut = most;
    double least = HUGE_VAL;
    for (size_t at = most - most / 6; at + piece <= most; at += piece / 2 + 1) {
      const double energy = energy_of(sound.subspan(at, piece));
      if (energy < least) {
        least = energy;
        cut = at + piece / 2;
      }
    }
    windows.push_back(sound.first(cut));
    sound = sound.subspan(cut);
  }
  windows.push_back(sound);
  return windows;
}

void FeatureCache::begin(std::span<const float> sound) {
  sound_ = sound;
  made_.clear();
}

const std::vector<std::vector<float>>& FeatureCache::windows(const LogMelSettings& settings) {
  const auto known = made_.find(settings);
  if (known != made_.end()) return known->second;
  const LogMel& maker = makers_.try_emplace(settings, settings).first->second;
  std::vector<std::vector<float>> windows;
  for (const auto window : windows_of(sound_, maker.samples(), settings.sample_rate))
    windows.push_back(maker.features(window));
  return made_[settings] = std::move(windows);
}

SpeechModel::SpeechModel(Worker& worker, SpeechFiles files, SpeechSettings settings,
                         const std::filesystem::path& library, const SessionOptions& options)
    : worker_(worker), files_(std::move(files)), settings_(std::move(settings)) {
  encoder_ = open(files_.encoder, library, options);
  opened_.inputs = encoder_.inputs;
  opened_.outputs = encoder_.outputs;
  if (settings_.ctc) {
    if (!info_called(encoder_.inputs, "input_values") || !info_called(encoder_.outputs, "logits"))
      throw Error(ErrorCode::kUsage, "is no CTC model: it needs the input 'input_values' and the output 'logits'",
                  files_.encoder.string());
    return;
  }
  if (!info_called(encoder_.inputs, "input_features") || encoder_.outputs.empty())
    throw Error(ErrorCode::kUsage, "has no input 'input_features'", files_.encoder.string());
  decoder_ = open(files_.decoder, library, options);
  check_decoder(decoder_, files_.decoder);
  opened_.outputs = decoder_.outputs;
  if (files_.merged) {
    with_past_ = decoder_;
  } else if (!files_.decoder_with_past.empty()) {
    with_past_ = open(files_.decoder_with_past, library, options);
    check_decoder(with_past_, files_.decoder_with_past);
  }
  check_caches();
}

SpeechModel::Part SpeechModel::open(const std::filesystem::path& file, const std::filesystem::path& library,
                                    const SessionOptions& options) {
  const OpenedModel opened = worker_.open(library, file, options);
  if (opened_.runtime_version.empty()) opened_.before = opened.before;
  opened_.runtime_version = opened.runtime_version;
  opened_.load_ms += opened.load_ms;
  opened_.after = opened.after;
  return {parts_++, opened.inputs, opened.outputs};
}

void SpeechModel::check_decoder(const Part& part, const std::filesystem::path& file) const {
  for (const TensorInfo& info : part.inputs) {
    const bool fed = info.name == "input_ids" || info.name == kHidden || info.name == "use_cache_branch" ||
                     info.name == "cache_position" || info.name == "position_ids" || is_cache(info.name);
    if (!fed)
      throw Error(ErrorCode::kUsage,
                  "the decoder wants an input '" + info.name +
                      "'; the task speech feeds input_ids, encoder_hidden_states, past_key_values.*, "
                      "use_cache_branch, cache_position and position_ids",
                  file.string());
  }
  if (!info_called(part.inputs, "input_ids") || !info_called(part.outputs, "logits"))
    throw Error(ErrorCode::kUsage, "the decoder has no 'input_ids' or no 'logits'", file.string());
}

// What a step wants of caches, the one before it must give.
void SpeechModel::check_caches() const {
  const std::string where = (files_.merged ? files_.decoder : files_.decoder_with_past).string();
  const bool unread = std::any_of(decoder_.inputs.begin(), decoder_.inputs.end(),
                                  [](const TensorInfo& info) { return is_cache(info.name); });
  if (unread && !info_called(decoder_.inputs, "use_cache_branch"))
    throw Error(ErrorCode::kUsage, "the decoder wants caches at its first step, but has no input 'use_cache_branch'",
                files_.decoder.string());
  if (with_past_.inputs.empty()) return;
  size_t caches = 0;
  for (const TensorInfo& info : with_past_.inputs) {
    if (!is_cache(info.name)) continue;
    ++caches;
    const bool later = is_cross(info.name) || info_called(with_past_.outputs, present_of(info.name));
    if (!later || !info_called(decoder_.outputs, present_of(info.name)))
      throw Error(ErrorCode::kUsage, "the decoder has no output '" + present_of(info.name) + "' for its cache", where);
  }
  if (caches == 0)
    throw Error(ErrorCode::kUsage, "the decoder has no caches (inputs past_key_values.*) to go on from", where);
}

void SpeechModel::prepare(FeatureCache& features) const {
  if (settings_.whisper) features.windows(settings_.whisper->features);
}

Heard SpeechModel::transcribe(std::span<const float> sound, FeatureCache& features) {
  if (settings_.ctc) return transcribe_ctc(sound);
  Heard heard;
  heard.pace.sound_seconds = static_cast<double>(sound.size()) / sample_rate();
  for (const std::vector<float>& window : features.windows(settings_.whisper->features)) hear_window(window, heard);
  return heard;
}

void SpeechModel::hear_window(const std::vector<float>& features, Heard& heard) {
  const LogMelSettings& settings = settings_.whisper->features;
  const TensorInfo* info = info_called(encoder_.inputs, "input_features");
  const std::vector<NamedTensor> inputs = {
      {info->name,
       fitted(make_floats({1, static_cast<int64_t>(settings.mels), static_cast<int64_t>(settings.frames)}, features),
              *info)}};
  HeldRun run;
  run.model = encoder_.number;
  run.inputs = inputs;
  run.kept_outputs = {{encoder_.outputs[0].name, kHidden}};
  const double encoder_ms = worker_.run_held(run).run_ms;
  if (heard.pace.total_ms == 0) heard.pace.first_token_ms = encoder_ms;
  heard.pace.total_ms += encoder_ms;
  const std::vector<uint32_t> ids = decode(heard.pace);
  const std::string text = settings_.whisper->tokenizer->decode(ids);
  heard.text += (heard.text.empty() || text.empty() || text[0] == ' ' ? "" : " ") + text;
}

std::vector<uint32_t> SpeechModel::decode(SpeechPace& pace) {
  const WhisperSettings& settings = *settings_.whisper;
  const bool caches = !with_past_.inputs.empty();
  std::vector<uint32_t> all = settings.prompt, text;
  for (size_t past = 0; all.size() < settings.most_tokens;) {
    double ms = 0;
    const std::vector<float> logits = step(std::span(all).subspan(past), past, ms);
    const uint32_t next = next_token(settings, logits, std::span(all).subspan(settings.prompt.size()));
    add_token(pace, ms);
    if (next == settings.end) break;
    past = caches ? all.size() : 0;
    all.push_back(next);
    if (next < settings.first_timestamp) text.push_back(next);
  }
  return text;
}

void SpeechModel::add_token(SpeechPace& pace, double ms) {
  pace.total_ms += ms;
  if (++pace.tokens == 1) {
    pace.first_token_ms += ms;
  } else {
    const auto later = static_cast<double>(pace.tokens - 1);
    pace.token_ms += (ms - pace.token_ms) / later;
  }
}

HeldRun SpeechModel::run_of(const Part& part, std::span<const uint32_t> ids, size_t past,
                            std::vector<NamedTensor>& inputs) const {
  HeldRun run;
  run.model = part.number;
  for (const TensorInfo& info : part.inputs) {
    if (info.name == kHidden) {
      run.held_inputs.push_back({info.name, kHidden});
    } else if (is_cache(info.name) && past > 0) {
      run.held_inputs.push_back({info.name, info.name});
    } else if (is_cache(info.name)) {
      inputs.push_back({info.name, unread_cache(info)});
    } else if (info.name == "use_cache_branch") {
      inputs.push_back({info.name, fitted(make_int64s({1}, {past > 0 ? 1 : 0}), info)});
    } else {
      std::vector<int64_t> values;
      for (size_t i = 0; i < ids.size(); ++i)
        values.push_back(info.name == "input_ids" ? static_cast<int64_t>(ids[i]) : static_cast<int64_t>(past + i));
      inputs.push_back({info.name, numbers(info, values)});
    }
  }
  run.inputs = inputs;
  run.wanted = {"logits"};
  // What is kept is what the next step wants; caches over the encoder's states do not change after the first.
  for (const TensorInfo& info : with_past_.inputs) {
    if (!is_cache(info.name) || (past > 0 && is_cross(info.name))) continue;
    run.kept_outputs.push_back({present_of(info.name), info.name});
  }
  return run;
}

// Logits of the last position.
std::vector<float> SpeechModel::step(std::span<const uint32_t> ids, size_t past, double& ms) {
  std::vector<NamedTensor> inputs;
  const HeldRun run = run_of(past > 0 ? with_past_ : decoder_, ids, past, inputs);
  const HeldAnswer answer = worker_.run_held(run);
  ms = answer.run_ms;
  if (answer.outputs.size() != 1) throw Error(ErrorCode::kGate, "the decoder gave no logits");
  const HostTensor& logits = answer.outputs[0].tensor;
  const size_t width = logits.shape.empty() ? 0 : static_cast<size_t>(logits.shape.back());
  if (logits.shape.size() != 3 || logits.shape[0] != 1 || logits.shape[1] != static_cast<int64_t>(ids.size()) ||
      width <= settings_.whisper->end) {
    throw Error(ErrorCode::kGate,
                "the decoder gives logits " + describe(logits) + " for " + std::to_string(ids.size()) + " tokens");
  }
  const HostTensor floats = converted(logits, DType::kFloat32);
  std::vector<float> last(width);
  std::memcpy(last.data(), floats.data.data() + (ids.size() - 1) * width * sizeof(float), width * sizeof(float));
  return last;
}

Heard SpeechModel::transcribe_ctc(std::span<const float> sound) {
  const CtcSettings& settings = *settings_.ctc;
  Heard heard;
  heard.pace.sound_seconds = static_cast<double>(sound.size()) / settings.sample_rate;
  const std::vector<float> values =
      settings.normalise ? normalised(sound) : std::vector<float>(sound.begin(), sound.end());
  std::vector<NamedTensor> inputs;
  for (const TensorInfo& info : encoder_.inputs) {
    const auto size = static_cast<int64_t>(values.size());
    if (info.name == "input_values") {
      inputs.push_back({info.name, fitted(make_floats({1, size}, values), info)});
    } else if (info.name == "attention_mask") {
      inputs.push_back({info.name, numbers(info, std::vector<int64_t>(values.size(), 1))});
    } else {
      throw Error(ErrorCode::kUsage, "the model wants an input '" + info.name + "'; CTC models are fed input_values");
    }
  }
  HeldRun run;
  run.inputs = inputs;
  run.wanted = {"logits"};
  const HeldAnswer answer = worker_.run_held(run);
  heard.pace.total_ms = answer.run_ms;
  if (answer.outputs.size() != 1) throw Error(ErrorCode::kGate, "the model gave no logits");
  const HostTensor& logits = answer.outputs[0].tensor;
  if (logits.shape.size() != 3 || logits.shape[0] != 1 ||
      logits.shape[2] < static_cast<int64_t>(settings.symbols.size()))
    throw Error(ErrorCode::kGate, "the model gives logits " + describe(logits) + " for " +
                                      std::to_string(settings.symbols.size()) + " symbols");
  const HostTensor floats = converted(logits, DType::kFloat32);
  const auto width = static_cast<size_t>(logits.shape[2]);
  std::vector<float> row(width);
  size_t before = settings.blank;
  for (size_t frame = 0; frame < static_cast<size_t>(logits.shape[1]); ++frame) {
    std::memcpy(row.data(), floats.data.data() + frame * width * sizeof(float), width * sizeof(float));
    const auto at = static_cast<size_t>(std::max_element(row.begin(), row.end()) - row.begin());
    if (at != before && at != settings.blank && at < settings.symbols.size()) heard.text += settings.symbols[at];
    before = at;
  }
  return heard;
}

}  // namespace vetquant
