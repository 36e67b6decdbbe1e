// `task: speech`: what models hear in clips of which the words are known.
//
// A model is a folder as the usual exporter writes it (encoder_model.onnx; decoder_model_merged.onnx, or decoder_model.onnx
// with or without decoder_with_past_model.onnx; tokenizer.json, config.json, generation_config.json,
// preprocessor_config.json), or one CTC model beside its vocab.json. Decoding is greedy. Sound that is longer than the
// model's window is cut where it is quietest. What is resampled is the clip, or its cluster.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/eval/error_example.h"
#include "vetquant/eval/metric.h"
#include "vetquant/eval/spoken_text.h"
#include "vetquant/eval/word_errors.h"

namespace vetquant {

struct SpeechClip {
  std::string name;                      // "items.csv:7"
  std::filesystem::path file;            // mono
  uint64_t start_frame = 0, frames = 0;  // of the decoded file; frames 0: to its end
  std::string text;                      // what was said, normalised
};

struct SpeechSet {
  std::vector<SpeechClip> clips;
  TextNormalisation normalisation = TextNormalisation::kBasic1;
  std::optional<TermList> terms;
  std::string language;                    // "en"; needed by multilingual models
  std::string speech_task = "transcribe";  // or "translate"
  bool timestamps = false;                 // the model says when, too; its times are no words
  size_t most_tokens = 0;                  // of one window; 0: as the model's own settings say
};

struct HeardClip {
  std::string text;  // normalised
  EditCounts words, characters;
  FoundCounts terms, quantities;
};

// Of one clip, in the runtime alone: features and text take no part. A CTC model has no tokens in this sense.
struct SpeechPace {
  double total_ms = 0;
  double first_token_ms = 0;  // encoder and first step, of the first window
  double token_ms = 0;        // each later token's, in the mean
  size_t tokens = 0;
  double sound_seconds = 0;
};

struct SpeechAnswers {
  std::vector<HeardClip> clips;
  std::vector<SpeechPace> rounds;  // timed ones
};

HeardClip heard(const SpeechSet& set, const SpeechClip& clip, const std::string& transcript);

// word_accuracy (100 - wer), wer, cer, substitutions, deletions, insertions; term_recall and term_precision where there are
// terms; quantity_recall and quantity_precision where quantities are said and the normalisation knows them. With a baseline
// also differences and same_text, the share of clips with the baseline's very words.
std::vector<Metric> speech_metrics(const TestSet& set, const SpeechAnswers& own, const SpeechAnswers* base,
                                   const StatisticsSettings& settings);
// real_time_factor, first_token_ms, token_ms: medians of the timed rounds.
std::vector<Metric> speech_pace_metrics(const SpeechAnswers& own, const SpeechAnswers* base,
                                        const StatisticsSettings& settings);
std::vector<std::string> speech_metric_names(const SpeechSet& set);

// Clips that this model heard otherwise than the baseline, those that lost terms first, then those that lost words.
std::vector<ErrorExample> speech_examples(const SpeechSet& set, const SpeechAnswers& own, const SpeechAnswers& base);

}  // namespace vetquant
