#include "speech_settings.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "text_file.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr uint64_t kMostJsonBytes = uint64_t{64} << 20;
constexpr size_t kMostSymbols = size_t{1} << 20;

fs::path plain_part(const fs::path& folder, const std::string& name) {
  const fs::path file = folder / (name + ".onnx");
  return fs::is_regular_file(file) ? file : fs::path();
}

// The one file whose name begins so and that is none of the `other` parts.
fs::path variant_part(const fs::path& folder, const std::string& name, const std::vector<std::string>& other) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string file = entry.path().filename().string();
    const bool others =
        std::any_of(other.begin(), other.end(), [&](const auto& part) { return file.starts_with(part); });
    if (file.starts_with(name) && file.ends_with(".onnx") && !others) found.push_back(entry.path());
  }
  if (found.size() > 1)
    throw Error(ErrorCode::kUsage,
                "holds more than one " + name + "*.onnx; keep each variant in a folder of its own, or name one " +
                    name + ".onnx",
                folder.string());
  return found.empty() ? fs::path() : found[0];
}

fs::path find_part(const fs::path& folder, const std::string& name) {
  const fs::path plain = plain_part(folder, name);
  return plain.empty() ? variant_part(folder, name, {}) : plain;
}

// A JSON file of one of the folders, with strict access to what is wanted of it.
class Settings {
 public:
  Settings(const std::string& name, const std::vector<fs::path>& folders) : file_(name) {
    for (const fs::path& folder : folders) {
      if (!fs::is_regular_file(folder / name)) continue;
      file_ = (folder / name).string();
      const std::string text = read_text_file(file_, kMostJsonBytes);
      json_ = Json::parse(text, nullptr, false);
      if (!json_.is_object()) fail("holds no JSON object");
      return;
    }
  }

  bool exists() const { return json_.is_object(); }
  bool has(const char* key) const { return exists() && json_.contains(key) && !json_[key].is_null(); }
  const Json& json() const { return json_; }

  uint64_t number(const char* key, uint64_t otherwise, uint64_t least, uint64_t most) const {
    return has(key) ? checked(json_[key], key, least, most) : otherwise;
  }

  bool flag(const char* key, bool otherwise) const {
    return has(key) && json_[key].is_boolean() ? json_[key].get<bool>() : otherwise;
  }

  std::vector<uint32_t> ids(const char* key) const {
    std::vector<uint32_t> ids;
    if (!has(key)) return ids;
    if (!json_[key].is_array()) fail(std::string("'") + key + "' is no list of token numbers");
    for (const Json& id : json_[key]) ids.push_back(static_cast<uint32_t>(checked(id, key, 0, UINT32_MAX - 1)));
    return ids;
  }

  [[noreturn]] void fail(const std::string& what) const { throw Error(ErrorCode::kUsage, what, file_); }

 private:
  uint64_t checked(const Json& value, const char* key, uint64_t least, uint64_t most) const {
    if (!value.is_number_unsigned() || value.get<uint64_t>() < least || value.get<uint64_t>() > most)
      fail(std::string("'") + key + "' must be a whole number from " + std::to_string(least) + " to " +
           std::to_string(most));
    return value.get<uint64_t>();
  }

  std::string file_;
  Json json_;
};

LogMelSettings feature_settings(const Settings& file) {
  LogMelSettings features;
  features.sample_rate = static_cast<int>(file.number("sampling_rate", 16000, 8000, 96000));
  features.mels = file.number("feature_size", 80, 1, 512);
  features.window = file.number("n_fft", 400, 4, 8192);
  features.hop = file.number("hop_length", 160, 1, 8192);
  features.frames = file.number("nb_max_frames", 3000, 1, 100'000);
  if (features.window % 4 != 0) file.fail("'n_fft' must be a multiple of 4");
  if (features.frames * features.hop < features.window)
    file.fail("'nb_max_frames' times 'hop_length' is less than 'n_fft'");
  return features;
}

class WhisperReader {
 public:
  WhisperReader(const std::vector<fs::path>& folders, const SpeechSet& set)
      : folders_(folders), set_(set), config_("config.json", folders), generation_("generation_config.json", folders) {}

  WhisperSettings read() {
    const Settings preprocessor("preprocessor_config.json", folders_);
    settings_.features = feature_settings(preprocessor);
    if (!preprocessor.has("feature_size")) settings_.features.mels = config_.number("num_mel_bins", 80, 1, 512);
    load_tokenizer();
    settings_.end = either("eos_token_id", "<|endoftext|>");
    settings_.suppressed = generation_.ids("suppress_tokens");
    settings_.suppressed_first = generation_.ids("begin_suppress_tokens");
    settings_.most_tokens = config_.number("max_target_positions", 448, 8, 100'000);
    read_prompt();
    if (set_.most_tokens > 0)
      settings_.most_tokens = std::min(settings_.most_tokens, settings_.prompt.size() + set_.most_tokens);
    return std::move(settings_);
  }

 private:
  void load_tokenizer() {
    for (const fs::path& folder : folders_) {
      if (!fs::is_regular_file(folder / "tokenizer.json")) continue;
      settings_.tokenizer = std::make_shared<const Tokenizer>(Tokenizer::load(folder / "tokenizer.json"));
      return;
    }
    throw Error(ErrorCode::kUsage, "has no tokenizer.json, and neither has the baseline", folders_[0].string());
  }

  uint32_t either(const char* key, const char* token) const {
    for (const Settings* file : {&generation_, &config_}) {
      if (file->has(key)) return static_cast<uint32_t>(file->number(key, 0, 0, UINT32_MAX - 1));
    }
    return named(token);
  }

  uint32_t named(const std::string& token) const {
    const auto id = settings_.tokenizer->id_of(token);
    if (!id)
      throw Error(ErrorCode::kUsage, "its tokenizer has no token '" + printable(token) + "'", folders_[0].string());
    return *id;
  }

  // English-only models know the languages' tokens, but must not be given any.
  bool multilingual() const {
    constexpr uint64_t kEnglishVocabulary = 51864;
    return generation_.flag("is_multilingual", config_.number("vocab_size", 0, 0, UINT32_MAX) > kEnglishVocabulary);
  }

  void read_prompt() {
    settings_.prompt = {either("decoder_start_token_id", "<|startoftranscript|>")};
    if (multilingual()) {
      if (set_.language.empty())
        throw Error(ErrorCode::kUsage, "is multilingual; name the 'language' of the clips in the test set: \"en\"",
                    folders_[0].string());
      settings_.prompt.push_back(named("<|" + set_.language + "|>"));
      settings_.prompt.push_back(named("<|" + set_.speech_task + "|>"));
    }
    if (generation_.has("no_timestamps_token_id")) {
      settings_.no_timestamps =
          static_cast<uint32_t>(generation_.number("no_timestamps_token_id", 0, 0, UINT32_MAX - 1));
    } else {
      settings_.no_timestamps = settings_.tokenizer->id_of("<|notimestamps|>");
    }
    // Many tokenizers do not name the times; they follow the token that asks for none.
    const uint32_t behind = settings_.no_timestamps ? *settings_.no_timestamps + 1 : UINT32_MAX;
    settings_.first_timestamp = settings_.tokenizer->id_of("<|0.00|>").value_or(behind);
    settings_.timestamps = set_.timestamps;
    if (set_.timestamps) {
      read_timestamps();
    } else if (settings_.no_timestamps) {
      settings_.prompt.push_back(*settings_.no_timestamps);
    }
  }

  void read_timestamps() {
    if (settings_.first_timestamp <= settings_.end || settings_.first_timestamp == UINT32_MAX)
      throw Error(ErrorCode::kUsage,
                  "its tokenizer has no timestamps (neither <|0.00|> nor <|notimestamps|>); leave `timestamps` out of "
                  "the test set",
                  folders_[0].string());
    if (generation_.has("max_initial_timestamp_index"))
      settings_.latest_start = static_cast<uint32_t>(generation_.number("max_initial_timestamp_index", 0, 0, 100'000));
  }

  const std::vector<fs::path>& folders_;
  const SpeechSet& set_;
  Settings config_, generation_;
  WhisperSettings settings_;
};

CtcSettings ctc_settings(const fs::path& model, const std::vector<fs::path>& folders) {
  const Settings vocabulary("vocab.json", folders), config("config.json", folders),
      preprocessor("preprocessor_config.json", folders);
  if (!vocabulary.exists())
    throw Error(ErrorCode::kUsage, "has no vocab.json beside it, which says what its outputs stand for",
                model.string());
  CtcSettings settings;
  settings.sample_rate = static_cast<int>(preprocessor.number("sampling_rate", 16000, 8000, 96000));
  settings.normalise = preprocessor.flag("do_normalize", true);
  for (const auto& [symbol, id] : vocabulary.json().items()) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= kMostSymbols)
      vocabulary.fail("the number of '" + printable(symbol) + "' is none below " + std::to_string(kMostSymbols));
    const size_t at = id.get<size_t>();
    if (settings.symbols.size() <= at) settings.symbols.resize(at + 1);
    const bool special = symbol.size() > 2 && (symbol.front() == '<' || symbol.front() == '[');
    settings.symbols[at] = special ? "" : symbol == "|" ? " " : symbol;
    if (symbol == "<pad>" || symbol == "[PAD]") settings.blank = static_cast<uint32_t>(at);
  }
  settings.blank = static_cast<uint32_t>(config.number("pad_token_id", settings.blank, 0, UINT32_MAX - 1));
  return settings;
}

}  // namespace

std::vector<fs::path> SpeechFiles::all() const {
  std::vector<fs::path> files;
  for (const fs::path& file : {encoder, decoder, decoder_with_past}) {
    if (!file.empty()) files.push_back(file);
  }
  return files;
}

SpeechFiles speech_files(const fs::path& model) {
  if (fs::is_regular_file(model)) return {model, {}, {}, false};
  if (!fs::is_directory(model))
    throw Error(ErrorCode::kIo, "there is no such model: a folder, or a CTC model's file", model.string());
  const std::string merged = "decoder_model_merged";
  SpeechFiles files;
  files.encoder = find_part(model, "encoder_model");
  if (files.encoder.empty()) {
    if (const fs::path ctc = plain_part(model, "model"); !ctc.empty()) return {ctc, {}, {}, false};
    throw Error(ErrorCode::kUsage, "holds no encoder_model.onnx (and no model.onnx of a CTC model)", model.string());
  }
  // Plain names first: a variant must not be taken for half of another model.
  files.decoder = plain_part(model, merged);
  files.merged = !files.decoder.empty();
  if (!files.merged) files.decoder = plain_part(model, "decoder_model");
  if (files.decoder.empty()) {
    files.decoder = variant_part(model, merged, {});
    files.merged = !files.decoder.empty();
  }
  if (files.merged) return files;
  if (files.decoder.empty()) files.decoder = variant_part(model, "decoder_model", {merged});
  files.decoder_with_past = find_part(model, "decoder_with_past_model");
  if (files.decoder.empty())
    throw Error(ErrorCode::kUsage, "holds no decoder_model_merged.onnx and no decoder_model.onnx", model.string());
  return files;
}

std::vector<fs::path> settings_files(const std::vector<fs::path>& folders) {
  std::vector<fs::path> files;
  for (const char* name :
       {"tokenizer.json", "vocab.json", "config.json", "generation_config.json", "preprocessor_config.json"}) {
    const auto folder = std::find_if(folders.begin(), folders.end(),
                                     [&](const fs::path& path) { return fs::is_regular_file(path / name); });
    if (folder != folders.end()) files.push_back(*folder / name);
  }
  return files;
}

SpeechSettings speech_settings(const SpeechFiles& files, const std::vector<fs::path>& folders, const SpeechSet& set) {
  SpeechSettings settings;
  if (files.decoder.empty()) {
    settings.ctc = ctc_settings(files.encoder, folders);
  } else {
    settings.whisper = WhisperReader(folders, set).read();
  }
  return settings;
}

}  // namespace vetquant
