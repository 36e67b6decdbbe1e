#include <algorithm>
#include <cmath>
#include <functional>

#include "estimates.h"
#include "vetquant/eval/language_model.h"

namespace vetquant {
namespace {

using Draws = std::span<const uint32_t>;
using Score = std::function<double(size_t document)>;

constexpr double kTopShare = 0.01;  // what lies above the 99th percentile

// Sum of `over` divided by that of `under`, each document as often as it was drawn.
double ratio(Draws times, const Score& over, const Score& under) {
  Sum above, below;
  for (size_t d = 0; d < times.size(); ++d) {
    if (times[d] == 0) continue;
    above.add(times[d] * over(d));
    below.add(times[d] * under(d));
  }
  return above.value() / below.value();
}

Estimate over_documents(size_t documents, const Bootstrap::Statistic& statistic, const StatisticsSettings& settings) {
  const Bootstrap bootstrap(documents, statistic, settings.seed, settings.resamples);
  Estimate estimate;
  estimate.value = bootstrap.value();
  estimate.method = "BCa over " + std::to_string(documents) + (documents == 1 ? " document" : " documents");
  if (!std::isfinite(estimate.value)) {
    estimate.method = "not a finite number";
  } else if (documents < Bootstrap::kLeastUnits) {
    estimate.method = "too few documents for an interval";
  }
  for (const double confidence : settings.confidences_pct) {
    if (const auto interval = bootstrap.interval(confidence)) estimate.intervals.push_back({confidence, *interval});
  }
  return estimate;
}

class Figures {
 public:
  Figures(const LanguageSet& set, const LanguageAnswers& own, const LanguageAnswers* base,
          const StatisticsSettings& settings)
      : set_(set), own_(own), base_(base), settings_(settings), n_(set.documents.size()) {}

  std::vector<Metric> all() {
    if (n_ > 0) {
      const auto tokens = [this](size_t d) { return static_cast<double>(own_.documents[d].tokens); };
      const auto words = [this](size_t d) { return static_cast<double>(set_.documents[d].words); };
      const auto bits = [this](size_t d) { return static_cast<double>(set_.documents[d].bytes) * std::log(2.0); };
      add_likelihood("token_perplexity", tokens, [](double mean) { return std::exp(mean); });
      add_likelihood("word_perplexity", words, [](double mean) { return std::exp(mean); });
      add_likelihood("bits_per_byte", bits, [](double mean) { return mean; });
      if (base_) add_divergence();
    }
    if (!set_.cloze.empty()) add_cloze();
    return std::move(metrics_);
  }

 private:
  // A figure of the negative log-likelihood per token, word or byte. The perplexities' ratio has an interval of its own.
  void add_likelihood(const std::string& key, const Score& size, double (*of_mean)(double)) {
    const auto figure = [&](const LanguageAnswers& answers, Draws times) {
      return of_mean(ratio(
          times, [&](size_t d) { return answers.documents[d].nll; }, size));
    };
    const auto estimate = [&](const Bootstrap::Statistic& statistic) {
      return over_documents(n_, statistic, settings_);
    };
    Metric metric{
        key,          "",          "", Better::kLower, estimate([&](Draws times) { return figure(own_, times); }),
        std::nullopt, std::nullopt};
    if (base_) {
      metric.difference = estimate([&](Draws times) { return figure(own_, times) - figure(*base_, times); });
      metric.ratio = estimate([&](Draws times) { return figure(own_, times) / figure(*base_, times); });
    }
    metrics_.push_back(std::move(metric));
  }

  void add(const std::string& key, const std::string& unit, Better better, Estimate value) {
    metrics_.push_back({key, "", unit, better, std::move(value), std::nullopt, std::nullopt});
  }

  void add_divergence() {
    struct Position {
      float kl;
      uint32_t document;
    };
    std::vector<Position> sorted;
    std::vector<double> sums(n_);
    for (size_t d = 0; d < n_; ++d) {
      Sum sum;
      for (const float kl : own_.documents[d].kl) {
        sum.add(kl);
        sorted.push_back({kl, static_cast<uint32_t>(d)});
      }
      sums[d] = std::isnan(sum.value()) ? HUGE_VAL : sum.value();
    }
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.kl > b.kl; });
    const auto tokens = [this](size_t d) { return static_cast<double>(own_.documents[d].tokens); };
    const auto percentile = [&](Draws times) {
      double all = 0, above = 0;
      for (size_t d = 0; d < n_; ++d) all += times[d] * tokens(d);
      for (const Position& position : sorted) {
        above += times[position.document];
        if (above > kTopShare * all) return static_cast<double>(position.kl);
      }
      return 0.0;
    };
    const auto mean = [&](Draws times) {
      return ratio(
          times, [&](size_t d) { return sums[d]; }, tokens);
    };
    add("kl_mean", "nats", Better::kLower, over_documents(n_, mean, settings_));
    add("kl_p99", "nats", Better::kLower, over_documents(n_, percentile, settings_));
    const double most = sorted.empty() ? 0 : static_cast<double>(sorted[0].kl);
    add("kl_max", "nats", Better::kLower, {most, {}, "the largest of all tokens", false});
    add("top1_agreement", "%", Better::kHigher, agreement(tokens));
  }

  // Where nothing disagrees the bootstrap's width would be 0: the exact interval of as many trials as documents is taken.
  Estimate agreement(const Score& tokens) const {
    const auto agreed = [this](size_t d) { return static_cast<double>(own_.documents[d].agreed); };
    Estimate estimate = over_documents(
        n_, [&](Draws times) { return kPercent * ratio(times, agreed, tokens); }, settings_);
    if (estimate.value != kPercent) return estimate;
    estimate = proportion({{}, 0, "document"}, std::vector<double>(n_, 1.0), settings_);
    estimate.method += " over documents, for no token disagrees";
    return estimate;
  }

  void add_cloze() {
    const Clusters clusters{set_.cloze_clusters, set_.cloze_cluster_count, "item"};
    const auto right = [this](const LanguageAnswers& answers) {
      return as_doubles(set_.cloze.size(),
                        [&](size_t i) { return answers.picks[i] == set_.cloze[i].answer ? 1.0 : 0.0; });
    };
    Metric metric{"cloze_accuracy", "",          "%", Better::kHigher, proportion(clusters, right(own_), settings_),
                  std::nullopt,     std::nullopt};
    if (base_) {
      metric.difference = paired_difference(clusters, right(own_), right(*base_), settings_);
      derive_ratio(metric, metric.value.value - metric.difference->value);
    }
    metrics_.push_back(std::move(metric));
  }

  const LanguageSet& set_;
  const LanguageAnswers& own_;
  const LanguageAnswers* base_;
  const StatisticsSettings& settings_;
  size_t n_;  // documents
  std::vector<Metric> metrics_;
};

}  // namespace

std::vector<Metric> language_metrics(const LanguageSet& set, const LanguageAnswers& own, const LanguageAnswers* base,
                                     const StatisticsSettings& settings) {
  return Figures(set, own, base, settings).all();
}

std::vector<std::string> language_metric_names(const LanguageSet& set) {
  std::vector<std::string> names;
  if (!set.documents.empty()) {
    names = {"token_perplexity", "word_perplexity", "bits_per_byte", "kl_mean", "kl_p99", "kl_max", "top1_agreement"};
  }
  if (!set.cloze.empty()) names.push_back("cloze_accuracy");
  return names;
}

}  // namespace vetquant
