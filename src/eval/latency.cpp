#include <algorithm>
#include <new>

#include "judged.h"
#include "vetquant/core/error.h"

namespace vetquant {
namespace {

Estimate median_estimate(const std::vector<double>& values, const std::vector<double>& confidences_pct,
                         const std::string& of) {
  Estimate estimate;
  estimate.value = median(values);
  estimate.method = "median of " + std::to_string(values.size()) + " " + of + ", interval by order statistics";
  for (const double confidence : confidences_pct) {
    if (const auto interval = median_interval(values, confidence))
      estimate.intervals.push_back({confidence, *interval});
  }
  return estimate;
}

}  // namespace

void Judged::attempt(const std::function<void()>& action) {
  if (!alive()) return;
  try {
    action();
    return;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    // Which of several files it was is told; of one, the report names it already.
    failure = files.size() > 1 && !error.where().empty() ? error.what() : error.message();
  } catch (const std::bad_alloc&) {
    failure = "its answers do not fit into memory";
  }
  if (failure.empty()) failure = "it failed without a word";
  speech_model.reset();
  worker.reset();
}

void Judged::restore(const std::function<void(size_t sample, ByteReader& reader)>& take) {
  for (size_t sample = 0; sample < stored.known(); ++sample) {
    try {
      ByteReader reader = stored.at(sample);
      take(sample, reader);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kIo) throw;
      stored.forget_from(sample);
    }
  }
}

void measure_latency(std::vector<Judged>& models, const JudgeOptions& options) {
  for (Judged& model : models) {
    model.attempt([&] {
      model.worker->run(model.first_feed);
      for (int i = 1; i < options.warm_up_runs; ++i) model.worker->time_again_ms();
    });
  }
  const size_t count = models.size();
  for (int round = 0; round < options.timed_rounds; ++round) {
    for (size_t i = 0; i < count; ++i) {
      Judged& model = models[round % 2 ? count - 1 - i : i];
      model.attempt([&] { model.latencies_ms.push_back(model.worker->time_again_ms()); });
    }
    if (options.progress)
      options.progress(
          {"time", static_cast<uint64_t>(round) + 1, static_cast<uint64_t>(options.timed_rounds), "rounds"});
  }
}

Metric round_metric(const std::string& key, const std::string& unit, const std::vector<double>& own,
                    const std::vector<double>& base, const std::vector<double>& confidences_pct) {
  Metric metric{key,          "",          unit, Better::kLower, median_estimate(own, confidences_pct, "runs"),
                std::nullopt, std::nullopt};
  if (base.empty()) return metric;
  std::vector<double> difference, ratio;
  for (size_t i = 0; i < std::min(own.size(), base.size()); ++i) {
    difference.push_back(own[i] - base[i]);
    ratio.push_back(own[i] / base[i]);
  }
  metric.difference = median_estimate(difference, confidences_pct, "paired rounds");
  metric.ratio = median_estimate(ratio, confidences_pct, "paired rounds");
  return metric;
}

}  // namespace vetquant
