// How often the intervals of docs/judging.md hold the true value: simulated test sets, 95 % intervals by the code of eval.
//
//   vetquant_coverage [TRIALS]      a Markdown table; 2,000 trials take some minutes
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "estimates.h"
#include "vetquant/eval/random.h"

namespace vetquant {
namespace {

using Draw = std::function<Estimate(Random&)>;

struct Scene {
  std::string what;
  double truth;  // in percent
  Draw draw;
};

const StatisticsSettings kSettings;

bool happens(Random& random, double probability) { return random.uniform() < probability; }

// How many of `words` go wrong where each does with a probability of its clip: most clips are good, a few are hopeless.
struct Clip {
  double errors = 0, words = 0;
};
Clip heard(Random& random, double hopeless) {
  Clip clip{0, 5 + static_cast<double>(random.below(21))};
  const double rate = happens(random, hopeless) ? 0.3 + 0.7 * random.uniform() : 0.1 * random.uniform();
  for (int w = 0; w < static_cast<int>(clip.words); ++w) clip.errors += happens(random, rate) ? 1 : 0;
  return clip;
}
double rate_of_heard(double hopeless) { return 100 * (hopeless * 0.65 + (1 - hopeless) * 0.05); }

Estimate rate_by_bootstrap(const std::vector<Clip>& clips) {
  const Clusters alone{{}, 0, "clip"};
  return bootstrapped(
      alone, clips.size(),
      [&](std::span<const uint32_t> times) {
        double errors = 0, words = 0;
        for (size_t i = 0; i < clips.size(); ++i) {
          errors += times[i] * clips[i].errors;
          words += times[i] * clips[i].words;
        }
        return 100 * errors / words;
      },
      Estimate{}, kSettings);
}

Scene word_errors(size_t clips, double hopeless) {
  return {"word errors, " + std::to_string(clips) + " clips, " + std::to_string(std::lround(100 * hopeless)) +
              " % hopeless: Korn-Graubard and bootstrap-t",
          rate_of_heard(hopeless), [=](Random& random) {
            std::vector<double> errors, words;
            for (size_t i = 0; i < clips; ++i) {
              const Clip clip = heard(random, hopeless);
              errors.push_back(clip.errors);
              words.push_back(clip.words);
            }
            return rate({{}, 0, "clip"}, errors, words, kSettings);
          }};
}

// Of `clips` clips of 4 to 12 words, `changed` differ in the mean, by 1, 2, 3 or 6 words, two of three for the worse.
constexpr double kSizes[] = {1, 2, 3, 6}, kShares[] = {0.6, 0.82, 0.94, 1}, kWorse = 0.65;
Clip change(Random& random, double probability) {
  Clip clip{0, 4 + static_cast<double>(random.below(9))};
  if (!happens(random, probability)) return clip;
  const double at = random.uniform();
  clip.errors = kSizes[std::upper_bound(std::begin(kShares), std::end(kShares) - 1, at) - std::begin(kShares)];
  if (!happens(random, kWorse)) clip.errors = -clip.errors;
  return clip;
}

Scene changes(size_t clips, double changed, bool by_bootstrap) {
  const double mean_size = 0.6 * 1 + 0.22 * 2 + 0.12 * 3 + 0.06 * 6, probability = changed / static_cast<double>(clips);
  const std::string what = "difference of word errors, " + std::to_string(clips) + " clips, some " +
                           std::to_string(std::lround(changed)) + " differ: ";
  return {what + (by_bootstrap ? "BCa (not used)" : "Tango of changes"),
          100 * probability * mean_size * (2 * kWorse - 1) / 8, [=](Random& random) {
            std::vector<Clip> all(clips);
            for (Clip& clip : all) clip = change(random, probability);
            if (by_bootstrap) return rate_by_bootstrap(all);
            double words = 0;
            for (const Clip& clip : all) words += clip.words;
            return paired_rate_difference({{}, 0, "clip"}, as_doubles(clips, [&](size_t i) { return all[i].errors; }),
                                          words, kSettings);
          }};
}

Scene share(size_t clips, double right) {
  return {"top-1 of " + std::to_string(clips) + " clips: Clopper-Pearson", 100 * right, [=](Random& random) {
            return proportion({{}, 0, "clip"},
                              as_doubles(clips, [&](size_t) { return happens(random, right) ? 1.0 : 0.0; }), kSettings);
          }};
}

// Voices differ: the share of right clips is 1 for most, anything for one of ten.
Scene share_of_voices(uint32_t voices, uint32_t each) {
  return {"top-1 of " + std::to_string(voices) + " voices with " + std::to_string(each) +
              " clips: Korn-Graubard and bootstrap-t",
          100 * (0.9 * 0.99 + 0.1 * 0.5), [=](Random& random) {
            Clusters clusters{{}, voices, "clip"};
            std::vector<double> right;
            for (uint32_t v = 0; v < voices; ++v) {
              const double rate = happens(random, 0.1) ? random.uniform() : 0.99;
              for (uint32_t i = 0; i < each; ++i) {
                clusters.of.push_back(v);
                right.push_back(happens(random, rate) ? 1 : 0);
              }
            }
            return proportion(clusters, right, kSettings);
          }};
}

Scene disagreements(size_t clips, double gained, double lost) {
  const auto n = static_cast<double>(clips);
  return {"difference of top-1, " + std::to_string(clips) + " clips, some " +
              std::to_string(std::lround(gained + lost)) + " differ: Tango",
          100 * (gained - lost) / n, [=](Random& random) {
            std::vector<double> own(clips), base(clips);
            for (size_t i = 0; i < clips; ++i) {
              const double at = random.uniform() * n;
              own[i] = at < gained ? 1 : at < gained + lost ? 0 : 1;
              base[i] = at < gained ? 0 : 1;
            }
            return paired_difference({{}, 0, "clip"}, own, base, kSettings);
          }};
}

void report(const Scene& scene, int trials) {
  int below = 0, above = 0;
  for (int t = 0; t < trials; ++t) {
    Random random(7, static_cast<uint64_t>(t));
    const Interval* interval = nullptr;
    const Estimate estimate = scene.draw(random);
    interval = estimate.at(95);
    if (interval == nullptr || scene.truth < interval->low)
      ++below;
    else if (scene.truth > interval->high)
      ++above;
  }
  const auto percent = [&](int count) { return 100.0 * count / trials; };
  std::printf("| %s | %.1f | %.1f | %.1f |\n", scene.what.c_str(), percent(trials - below - above), percent(below),
              percent(above));
  std::fflush(stdout);
}

}  // namespace
}  // namespace vetquant

int main(int count, char** words) {
  using namespace vetquant;
  const int trials = count > 1 ? std::atoi(words[1]) : 2000;
  if (trials < 1) return 2;
  std::printf("| simulated: interval | holds the truth, %% | all above it | all below it |\n|---|---|---|---|\n");
  const std::vector<Scene> scenes = {
      share(100, 0.98),         share(400, 0.9),           share_of_voices(40, 16),  share_of_voices(232, 16),
      disagreements(400, 2, 4), disagreements(400, 12, 8), word_errors(50, 0.1),     word_errors(100, 0.1),
      word_errors(192, 0.1),    word_errors(192, 0.02),    word_errors(50, 0.02),    changes(200, 2, false),
      changes(200, 5, false),   changes(200, 20, false),   changes(200, 100, false), changes(50, 10, false),
      changes(200, 5, true),    changes(200, 20, true),
  };
  for (const Scene& scene : scenes) report(scene, trials);
  return 0;
}
