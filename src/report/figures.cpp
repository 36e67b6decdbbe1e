#include "figures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "text_table.h"
#include "vetquant/core/text.h"
#include "vetquant/report/markup.h"

namespace vetquant {
namespace {

struct Title {
  const char* key;
  const char* words;
};

constexpr std::array<Title, 37> kTitles = {{{"top1", "top-1 accuracy"},
                                            {"top5", "top-5 accuracy"},
                                            {"macro_f1", "macro F1"},
                                            {"ece", "calibration error"},
                                            {"recall", "recall"},
                                            {"sqnr_db", "SQNR"},
                                            {"cosine", "cosine similarity"},
                                            {"max_error", "largest error"},
                                            {"mean_error", "mean error"},
                                            {"agreement", "agreement"},
                                            {"broken", "broken values"},
                                            {"file_bytes", "size"},
                                            {"load_ms", "load time"},
                                            {"latency_ms", "run time"},
                                            {"settled_bytes", "settled memory"},
                                            {"peak_bytes", "peak memory"},
                                            {"word_accuracy", "word accuracy"},
                                            {"wer", "word error rate"},
                                            {"cer", "character error rate"},
                                            {"substitutions", "words replaced"},
                                            {"deletions", "words left out"},
                                            {"insertions", "words added"},
                                            {"term_recall", "term recall"},
                                            {"term_precision", "term precision"},
                                            {"quantity_recall", "quantity recall"},
                                            {"quantity_precision", "quantity precision"},
                                            {"same_text", "same text as the baseline"},
                                            {"first_token_ms", "time to first token"},
                                            {"token_ms", "time per token"},
                                            {"perplexity", "perplexity"},
                                            {"token_perplexity", "token perplexity"},
                                            {"word_perplexity", "word perplexity"},
                                            {"kl_mean", "mean KL divergence"},
                                            {"kl_p99", "99th percentile of KL"},
                                            {"kl_max", "largest KL divergence"},
                                            {"top1_agreement", "top-1 agreement"},
                                            {"real_time_factor", "real-time factor"}}};

std::string plain(double value, const std::string& unit) {
  if (std::isnan(value)) return "-";
  if (unit == "%" || unit == "ms" || unit == "s") return fixed(value, 2);
  if (unit == "dB") return fixed(value, 1);
  char text[40];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string bytes_text(double bytes) { return human_bytes(static_cast<uint64_t>(std::max(0.0, std::round(bytes)))); }

std::string unit_words(const std::string& unit) { return unit.empty() ? "" : " " + unit; }

std::string signed_plain(double value, const std::string& unit) {
  if (unit == "B") return (value > 0 ? "+" : value < 0 ? "−" : "") + bytes_text(std::abs(value));
  const std::string text = plain(std::abs(value), unit);
  if (text.find_first_not_of("0.") == std::string::npos || std::isnan(value)) return text;
  return (value > 0 ? "+" : "−") + text;
}

std::string change_unit(const std::string& unit) {
  return unit == "B" ? "" : unit == "%" ? " points" : unit_words(unit);
}

std::vector<const Metric*> kinds(const Judgement& judgement, bool (*wanted)(const Metric&)) {
  std::vector<const Metric*> result;
  for (const ModelResult& model : judgement.models) {
    for (const Metric& metric : model.metrics) {
      const auto same = [&](const Metric* known) { return known->key == metric.key && known->output == metric.output; };
      if (wanted(metric) && std::none_of(result.begin(), result.end(), same)) result.push_back(&metric);
    }
  }
  return result;
}

}  // namespace

std::string in_words(Change change) {
  switch (change) {
    case Change::kBetter:
      return "better";
    case Change::kWorse:
      return "worse";
    case Change::kWithinNoise:
      return "within noise";
    case Change::kEqual:
      return "no change";
    case Change::kUnknown:
      break;
  }
  return "not known";
}

bool is_exact(const Estimate& estimate) { return estimate.method.starts_with("a count"); }

Change change_of(const Estimate& difference, Better better, double confidence_pct) {
  const bool up_is_good = better == Better::kHigher;
  if (is_exact(difference)) {
    if (difference.value == 0) return Change::kEqual;
    return (difference.value > 0) == up_is_good ? Change::kBetter : Change::kWorse;
  }
  const Interval* interval = difference.at(confidence_pct);
  if (!interval || std::isnan(interval->low) || std::isnan(interval->high)) return Change::kUnknown;
  if (interval->low > 0) return up_is_good ? Change::kBetter : Change::kWorse;
  if (interval->high < 0) return up_is_good ? Change::kWorse : Change::kBetter;
  return Change::kWithinNoise;
}

bool is_cost(const Metric& metric) {
  return metric.unit == "B" || metric.unit == "ms" || metric.unit == "s" || metric.key == "real_time_factor";
}

double confidence_of(const Judgement& judgement) {
  return judgement.confidences_pct.empty() ? 95 : judgement.confidences_pct.front();
}

std::string title_of(const std::string& key) {
  for (const Title& title : kTitles) {
    if (key == title.key) return title.words;
  }
  std::string words = visible(key);
  for (const char* unit : {"_pct", "_ms", "_bytes", "_db"}) {
    if (words.ends_with(unit)) words.resize(words.size() - std::string(unit).size());
  }
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

std::string title_of(const Metric& metric) {
  return title_of(metric.key) + (metric.output.empty() ? "" : " of " + visible(metric.output));
}

std::string unit_value(double value, const std::string& unit) {
  if (std::isnan(value)) return "-";
  if (unit == "B") return bytes_text(value);
  constexpr double kEqualDb = 200;
  if (unit == "dB" && value >= kEqualDb) return "equal";
  return plain(value, unit) + unit_words(unit);
}

std::string unit_change(double value, const std::string& unit) { return signed_plain(value, unit) + change_unit(unit); }

std::string interval_text(const Interval& interval, const std::string& unit) {
  if (unit == "B") return bytes_text(interval.low) + " to " + bytes_text(interval.high);
  return plain(interval.low, unit) + " to " + plain(interval.high, unit) + unit_words(unit);
}

std::string change_interval_text(const Interval& interval, const std::string& unit) {
  return signed_plain(interval.low, unit) + " to " + signed_plain(interval.high, unit) + change_unit(unit);
}

std::vector<const Metric*> quality_kinds(const Judgement& judgement) {
  return kinds(judgement, [](const Metric& metric) { return !is_cost(metric); });
}

std::vector<const Metric*> cost_kinds(const Judgement& judgement) { return kinds(judgement, is_cost); }

const Metric* same_kind(const ModelResult& model, const Metric& kind) {
  for (const Metric& metric : model.metrics) {
    if (metric.key == kind.key && metric.output == kind.output) return &metric;
  }
  return nullptr;
}

Verdict verdict_of(const Judgement& judgement, const std::vector<GateResult>& gates) {
  const auto crashed = static_cast<size_t>(std::count_if(judgement.models.begin(), judgement.models.end(),
                                                         [](const auto& model) { return !model.failure.empty(); }));
  const auto failed = static_cast<size_t>(
      std::count_if(gates.begin(), gates.end(), [](const GateResult& gate) { return !gate.passed; }));
  std::string sentence;
  if (crashed > 0) sentence = counted(crashed, "model") + " could not be judged";
  if (failed > 0)
    sentence +=
        (sentence.empty() ? "" : ", ") + std::to_string(failed) + " of " + counted(gates.size(), "gate") + " failed";
  if (!sentence.empty()) return {Verdict::Kind::kFailed, "FAILED", sentence};
  if (gates.empty())
    return {Verdict::Kind::kJudged, "Judged", counted(judgement.models.size(), "model") + ", no gate was set"};
  return {Verdict::Kind::kPassed, "Passed",
          gates.size() == 1 ? "the one gate holds" : "all " + counted(gates.size(), "gate") + " hold"};
}

}  // namespace vetquant
