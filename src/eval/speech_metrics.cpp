#include <algorithm>
#include <cmath>

#include "estimates.h"
#include "judged.h"
#include "vetquant/eval/speech.h"

namespace vetquant {
namespace {

using Count = uint64_t (*)(const HeardClip&);

class Figures {
 public:
  Figures(const TestSet& set, const SpeechAnswers& own, const SpeechAnswers* base, const StatisticsSettings& settings)
      : set_(set), clusters_(clusters_of(set)), own_(own), base_(base), settings_(settings) {}

  std::vector<Metric> all() {
    const Count said = [](const HeardClip& clip) { return clip.words.reference(); };
    const Count wrong = [](const HeardClip& clip) { return clip.words.errors(); };
    add("word_accuracy", Better::kHigher, wrong, said, kPercent, -1);
    add("wer", Better::kLower, wrong, said);
    add(
        "cer", Better::kLower, [](const HeardClip& clip) { return clip.characters.errors(); },
        [](const HeardClip& clip) { return clip.characters.reference(); });
    add(
        "substitutions", Better::kLower, [](const HeardClip& clip) { return clip.words.substitutions; }, said);
    add(
        "deletions", Better::kLower, [](const HeardClip& clip) { return clip.words.deletions; }, said);
    add(
        "insertions", Better::kLower, [](const HeardClip& clip) { return clip.words.insertions; }, said);
    const SpeechSet& speech = *set_.speech;
    if (speech.terms) {
      const Count matched = [](const HeardClip& clip) { return clip.terms.matched; };
      add("term_recall", Better::kHigher, matched, [](const HeardClip& clip) { return clip.terms.reference; });
      add("term_precision", Better::kHigher, matched, [](const HeardClip& clip) { return clip.terms.hypothesis; });
    }
    if (speech.normalisation == TextNormalisation::kDictation1) {
      const Count matched = [](const HeardClip& clip) { return clip.quantities.matched; };
      add("quantity_recall", Better::kHigher, matched, [](const HeardClip& clip) { return clip.quantities.reference; });
      add("quantity_precision", Better::kHigher, matched,
          [](const HeardClip& clip) { return clip.quantities.hypothesis; });
    }
    if (base_) add_same_text();
    return std::move(metrics_);
  }

 private:
  size_t n() const { return own_.clips.size(); }

  // offset + sign * 100 * sum(over) / sum(under)
  void add(const std::string& key, Better better, Count over, Count under, double offset = 0, double sign = 1) {
    const auto has_any = [&](const SpeechAnswers& answers) {
      return std::any_of(answers.clips.begin(), answers.clips.end(), [&](const auto& clip) { return under(clip) > 0; });
    };
    if (!has_any(own_)) return;  // nothing of the kind was said (or heard)
    const bool compared = base_ && has_any(*base_);
    // Clips in which something is at stake, and whether all of it went well (or, of errors, not all).
    std::vector<size_t> samples;
    for (size_t i = 0; i < n(); ++i) {
      if (under(own_.clips[i]) > 0 || (compared && under(base_->clips[i]) > 0)) samples.push_back(i);
    }
    const Clusters clusters = part_of(clusters_, samples);
    const auto marked = [&](const SpeechAnswers& answers) {
      return as_doubles(samples.size(), [&](size_t i) {
        const uint64_t above = over(answers.clips[samples[i]]), below = under(answers.clips[samples[i]]);
        return (sign < 0 ? above == 0 : better == Better::kLower ? above > 0 : above == below) ? 1.0 : 0.0;
      });
    };
    Metric metric{key,
                  "",
                  "%",
                  better,
                  estimate(over, under, offset, sign, proportion(clusters, marked(own_), settings_)),
                  std::nullopt,
                  std::nullopt};
    if (compared) {
      metric.difference = difference(over, under);
      if (sign < 0) negate(*metric.difference);
      derive_ratio(metric, metric.value.value - metric.difference->value);
    }
    metrics_.push_back(std::move(metric));
  }

  Estimate difference(Count over, Count under) const {
    const auto change = [&](Count count, size_t i) {
      return static_cast<double>(count(own_.clips[i])) - static_cast<double>(count(base_->clips[i]));
    };
    double base_over = 0, base_under = 0, own_under = 0;
    for (size_t i = 0; i < n(); ++i) {
      base_over += static_cast<double>(over(base_->clips[i]));
      base_under += static_cast<double>(under(base_->clips[i]));
      own_under += static_cast<double>(under(own_.clips[i]));
    }
    const double rate = base_over / base_under;
    return paired_rate_difference(clusters_,
                                  as_doubles(n(), [&](size_t i) { return change(over, i) - rate * change(under, i); }),
                                  own_under, settings_);
  }

  static void negate(Estimate& estimate) {
    estimate.value = -estimate.value;
    for (auto& entry : estimate.intervals) entry.interval = {-entry.interval.high, -entry.interval.low};
  }

  // Where no draw differs, or clips are too few to draw from, a share of clips with the same value stands in with its exact
  // interval; another value than 0 or 100 has none.
  Estimate estimate(Count over, Count under, double offset, double sign, const Estimate& of_clips) const {
    const auto counts = [&](Count count) {
      return as_doubles(n(), [&](size_t i) { return static_cast<double>(count(own_.clips[i])); });
    };
    Estimate estimate = rate(clusters_, counts(over), counts(under), settings_);
    const bool all_alike = estimate.value == 0 || estimate.value == kPercent;
    if (sign < 0) negate(estimate);
    shift(estimate, offset);
    if (!all_alike && !estimate.intervals.empty()) return estimate;
    estimate.intervals.clear();
    estimate.method = "too few clips for an interval";
    if (estimate.value != of_clips.value) return estimate;
    estimate.intervals = of_clips.intervals;
    estimate.method = of_clips.method + " of clips";
    return estimate;
  }

  static void shift(Estimate& estimate, double by) {
    estimate.value += by;
    for (auto& entry : estimate.intervals) entry.interval = {entry.interval.low + by, entry.interval.high + by};
  }

  void add_same_text() {
    const std::vector<double> same =
        as_doubles(n(), [&](size_t i) { return own_.clips[i].text == base_->clips[i].text ? 1.0 : 0.0; });
    metrics_.push_back(
        {"same_text", "", "%", Better::kHigher, proportion(clusters_, same, settings_), std::nullopt, std::nullopt});
  }

  const TestSet& set_;
  Clusters clusters_;
  const SpeechAnswers& own_;
  const SpeechAnswers* base_;
  const StatisticsSettings& settings_;
  std::vector<Metric> metrics_;
};

// What a model lost against the baseline: terms first, then words.
std::pair<int64_t, int64_t> lost(const HeardClip& own, const HeardClip& base) {
  return {static_cast<int64_t>(base.terms.matched) - static_cast<int64_t>(own.terms.matched),
          static_cast<int64_t>(own.words.errors()) - static_cast<int64_t>(base.words.errors())};
}

}  // namespace

HeardClip heard(const SpeechSet& set, const SpeechClip& clip, const std::string& transcript) {
  HeardClip result;
  result.text = normalised(transcript, set.normalisation);
  result.words = word_errors(clip.text, result.text);
  result.characters = character_errors(clip.text, result.text);
  if (set.terms) result.terms = set.terms->compare(clip.text, result.text);
  if (set.normalisation == TextNormalisation::kDictation1)
    result.quantities = compare_quantities(clip.text, result.text);
  return result;
}

std::vector<Metric> speech_metrics(const TestSet& set, const SpeechAnswers& own, const SpeechAnswers* base,
                                   const StatisticsSettings& settings) {
  return Figures(set, own, base, settings).all();
}

std::vector<Metric> speech_pace_metrics(const SpeechAnswers& own, const SpeechAnswers* base,
                                        const StatisticsSettings& settings) {
  std::vector<Metric> metrics;
  const auto add = [&](const std::string& key, const std::string& unit, double (*figure)(const SpeechPace&)) {
    const auto values = [&](const SpeechAnswers& answers) {
      return as_doubles(answers.rounds.size(), [&](size_t i) { return figure(answers.rounds[i]); });
    };
    metrics.push_back(
        round_metric(key, unit, values(own), base ? values(*base) : std::vector<double>{}, settings.confidences_pct));
  };
  if (own.rounds.empty()) return metrics;
  add("real_time_factor", "", [](const SpeechPace& pace) { return pace.total_ms / 1000 / pace.sound_seconds; });
  if (own.rounds[0].tokens == 0) return metrics;
  add("first_token_ms", "ms", [](const SpeechPace& pace) { return pace.first_token_ms; });
  if (own.rounds[0].tokens > 1) add("token_ms", "ms", [](const SpeechPace& pace) { return pace.token_ms; });
  return metrics;
}

std::vector<std::string> speech_metric_names(const SpeechSet& set) {
  std::vector<std::string> names = {"word_accuracy", "wer", "cer", "substitutions", "deletions", "insertions"};
  if (set.terms) names.insert(names.end(), {"term_recall", "term_precision"});
  if (set.normalisation == TextNormalisation::kDictation1)
    names.insert(names.end(), {"quantity_recall", "quantity_precision"});
  names.insert(names.end(), {"same_text", "real_time_factor", "first_token_ms", "token_ms"});
  return names;
}

std::vector<ErrorExample> speech_examples(const SpeechSet& set, const SpeechAnswers& own, const SpeechAnswers& base) {
  std::vector<size_t> order;
  for (size_t i = 0; i < own.clips.size(); ++i) {
    if (own.clips[i].text != base.clips[i].text) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return lost(own.clips[a], base.clips[a]) > lost(own.clips[b], base.clips[b]);
  });
  if (order.size() > kMostErrorExamples) order.resize(kMostErrorExamples);
  std::vector<ErrorExample> examples;
  for (const size_t i : order) {
    const SpeechClip& clip = set.clips[i];
    examples.push_back({clip.name, clip.text, base.clips[i].text, own.clips[i].text,
                        set.terms ? set.terms->found_in(clip.text) : std::vector<std::string>{}});
  }
  return examples;
}

}  // namespace vetquant
