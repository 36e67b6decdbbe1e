// One model while it is judged: its process, and its result in the making.
#pragma once

#include <functional>
#include <memory>

#include "speech_model.h"
#include "stored_answers.h"
#include "vetquant/eval/classification.h"
#include "vetquant/eval/closeness.h"
#include "vetquant/eval/judge.h"
#include "vetquant/eval/language_model.h"
#include "vetquant/eval/speech.h"

namespace vetquant {

struct Judged {
  std::vector<std::filesystem::path> files;  // the model, or its parts
  std::unique_ptr<Worker> worker;
  std::unique_ptr<SpeechModel> speech_model;  // speech; uses the worker
  OpenedModel opened;
  std::vector<NamedTensor> first_feed;  // what latency is measured on
  std::vector<NamedTensor> outputs;     // of the step at hand
  std::vector<double> latencies_ms;
  std::vector<Answer> answers;                              // classification
  std::map<std::string, std::vector<Closeness>> closeness;  // tensors: by output, one for each sample
  LanguageAnswers language;                                 // language_model
  SpeechAnswers speech;                                     // speech
  StoredAnswers stored;                                     // of the cache: samples that need not be run again
  std::string failure;
  bool alive() const { return failure.empty(); }

  // Does it, unless the model has failed; its failure is kept. Interruption passes through.
  void attempt(const std::function<void()>& action);

  // Takes over what the cache holds, sample by sample; `take` throws Error{kIo} at one that does not hold.
  void restore(const std::function<void(size_t sample, ByteReader& reader)>& take);
};

// Warms up, then runs every living model once a round, forwards and backwards in turn (ABBA).
void measure_latency(std::vector<Judged>& models, const JudgeOptions& options);

// The median of a figure that timed rounds gave; compared with the baseline (empty: none) round by round.
Metric round_metric(const std::string& key, const std::string& unit, const std::vector<double>& own,
                    const std::vector<double>& base, const std::vector<double>& confidences_pct);

}  // namespace vetquant
