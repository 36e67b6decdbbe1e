// What a speech model's own files say about how it is fed and read.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "log_mel.h"
#include "vetquant/eval/speech.h"
#include "vetquant/eval/tokenizer.h"

namespace vetquant {

// Where a model's parts lie. A CTC model has `encoder` only.
struct SpeechFiles {
  std::filesystem::path encoder, decoder, decoder_with_past;  // the last two may be empty
  bool merged = false;                                        // the decoder has a branch for caches
  std::vector<std::filesystem::path> all() const;
};

// `model`: a folder, or a CTC model's file. Error{kUsage} says which part is missing or there more than once.
SpeechFiles speech_files(const std::filesystem::path& model);

struct WhisperSettings {
  LogMelSettings features;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::vector<uint32_t> prompt;  // start, language, task, no timestamps (unless they are wanted)
  std::vector<uint32_t> suppressed, suppressed_first;
  uint32_t end = 0;
  uint32_t first_timestamp = UINT32_MAX;  // tokens from here on are no text
  bool timestamps = false;                // are said, too
  std::optional<uint32_t> no_timestamps;  // the token that asks for none
  std::optional<uint32_t> latest_start;   // of the first piece, in timestamps
  size_t most_tokens = 448;               // the prompt included
};

struct CtcSettings {
  int sample_rate = 16000;
  bool normalise = true;             // to mean 0 and variance 1
  std::vector<std::string> symbols;  // "" for those that are no text; the delimiter is " "
  uint32_t blank = 0;
};

struct SpeechSettings {
  std::optional<WhisperSettings> whisper;
  std::optional<CtcSettings> ctc;
  int sample_rate() const { return whisper ? whisper->features.sample_rate : ctc->sample_rate; }
};

// Each file is looked for in the folders in turn: the model's own, then the baseline's. Error{kUsage} names what is missing
// or not understood.
SpeechSettings speech_settings(const SpeechFiles& files, const std::vector<std::filesystem::path>& folders,
                               const SpeechSet& set);

// The files that speech_settings may read, where they are found first.
std::vector<std::filesystem::path> settings_files(const std::vector<std::filesystem::path>& folders);

}  // namespace vetquant
