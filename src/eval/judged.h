// One model while it is judged: its process, and its result in the making.
#pragma once

#include <functional>
#include <memory>

#include "vetquant/eval/classification.h"
#include "vetquant/eval/closeness.h"
#include "vetquant/eval/judge.h"
#include "vetquant/eval/language_model.h"

namespace vetquant {

struct Judged {
  std::unique_ptr<Worker> worker;
  OpenedModel opened;
  std::vector<NamedTensor> first_feed;  // what latency is measured on
  std::vector<NamedTensor> outputs;     // of the step at hand
  std::vector<double> latencies_ms;
  std::vector<Answer> answers;                              // classification
  std::map<std::string, std::vector<Closeness>> closeness;  // tensors: by output, one for each sample
  LanguageAnswers language;                                 // language_model
  std::string failure;
  bool alive() const { return failure.empty(); }

  // Does it, unless the model has failed; its failure is kept. Interruption passes through.
  void attempt(const std::function<void()>& action);
};

// Warms up, then runs every living model once a round, forwards and backwards in turn (ABBA).
void measure_latency(std::vector<Judged>& models, const JudgeOptions& options);

// latency_ms of a model, compared with the baseline round by round.
Metric latency_metric(const Judged& own, const Judged* base, const std::vector<double>& confidences_pct);

}  // namespace vetquant
