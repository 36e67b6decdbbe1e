#include "vetquant/eval/closeness.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "vetquant/core/error.h"

namespace vetquant {
namespace {

Closeness closeness(const HostTensor& base, const HostTensor& own, const double* threshold = nullptr) {
  Closeness sum;
  add_closeness(base, own, threshold, "y", sum);
  return sum;
}

TEST(Closeness, MatchesHandComputation) {
  const Closeness c = closeness(make_floats({1, 4}, {3, 4, 0, 0}), make_floats({1, 4}, {3, 3.5F, 0, 0}));
  EXPECT_NEAR(c.sqnr_db(), 10 * std::log10(25 / 0.25), 1e-12);
  EXPECT_NEAR(c.cosine(), (9 + 14) / (5 * std::sqrt(9 + 12.25)), 1e-12);
  EXPECT_EQ(c.error_max, 0.5);
  EXPECT_EQ(c.mean_error(), 0.125);
  EXPECT_EQ(c.decisions, 1U);
  EXPECT_EQ(c.agreed, 1U);
}

TEST(Closeness, EqualOutputsAreAtTheCeiling) {
  const HostTensor x = make_floats({2}, {1, -1});
  EXPECT_EQ(closeness(x, x).sqnr_db(), kMostSqnrDb);
  const HostTensor zero = make_floats({2}, {0, 0});
  EXPECT_EQ(closeness(zero, zero).cosine(), 1);
}

TEST(Closeness, ThresholdsIntegersAndRowsAreDecisions) {
  const double half = 0.5;
  const Closeness speech =
      closeness(make_floats({4, 1}, {0.2F, 0.6F, 0.5F, 0.9F}), make_floats({4, 1}, {0.4F, 0.4F, 0.5F, 0.8F}), &half);
  EXPECT_EQ(speech.decisions, 4U);
  EXPECT_EQ(speech.agreed, 3U);
  const Closeness ids = closeness(make_int64s({3}, {1, 2, 3}), make_int64s({3}, {1, 2, 4}));
  EXPECT_EQ(ids.agreed, 2U);
  const Closeness rows = closeness(make_floats({2, 2}, {0, 1, 1, 0}), make_floats({2, 2}, {0, 2, 0, 1}));
  EXPECT_EQ(rows.decisions, 2U);
  EXPECT_EQ(rows.agreed, 1U);
  EXPECT_EQ(closeness(make_floats({2, 1}, {0, 1}), make_floats({2, 1}, {0, 1})).decisions, 0U);
}

TEST(Closeness, NaNWhereTheBaselineHasANumberIsCounted) {
  const float inf = std::numeric_limits<float>::infinity();
  const Closeness c = closeness(make_floats({3}, {1, -inf, 2}), make_floats({3}, {std::nanf(""), 7, 2}));
  EXPECT_EQ(c.broken, 1U);
  EXPECT_EQ(c.elements, 2U);
  EXPECT_EQ(c.sqnr_db(), -kMostSqnrDb);
}

TEST(Closeness, AnotherShapeIsAResultThatNamesBoth) {
  try {
    closeness(make_floats({2}, {1, 2}), make_floats({1, 2}, {1, 2}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kGate);
    EXPECT_EQ(error.message(), "output 'y' is fp32[1, 2] where the baseline gives fp32[2]");
  }
}

TEST(ClosenessMetrics, FullAgreementHasAnExactInterval) {
  TestSet set;
  std::vector<Closeness> samples(20);
  for (Closeness& one : samples)
    one = {.signal = 100,
           .noise = 1,
           .dot = 100,
           .own_square = 100,
           .error_sum = 1,
           .error_max = 1,
           .elements = 10,
           .decisions = 5,
           .agreed = 5};
  set.samples = samples.size();
  const auto metrics = closeness_metrics(set, {{"y", samples}}, {});
  bool found = false;
  for (const Metric& metric : metrics) {
    if (metric.key == "sqnr_db") {
      EXPECT_NEAR(metric.value.value, 20, 1e-9);
    }
    if (metric.key != "agreement") continue;
    found = true;
    EXPECT_EQ(metric.value.value, 100);
    EXPECT_NEAR(metric.value.at(95)->low, 100 * std::pow(0.025, 1.0 / 20), 1e-6);
    EXPECT_EQ(metric.value.method, "Clopper-Pearson, no disagreement in 20 samples");
  }
  EXPECT_TRUE(found);
}

TEST(ClosenessMetrics, FewSamplesSayThatThereIsNoInterval) {
  TestSet set;
  set.samples = 2;
  std::vector<Closeness> samples(2);
  for (Closeness& one : samples) one = {.signal = 100, .noise = 1, .dot = 100, .own_square = 100, .elements = 10};
  const auto metrics = closeness_metrics(set, {{"y", samples}}, {});
  EXPECT_TRUE(metrics.at(0).value.intervals.empty());
  EXPECT_EQ(metrics[0].value.method, "2 samples: too few for an interval");
}

}  // namespace
}  // namespace vetquant
