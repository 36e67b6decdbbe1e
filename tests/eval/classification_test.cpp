#include "vetquant/eval/classification.h"

#include <gtest/gtest.h>

#include <cmath>

#include "vetquant/core/error.h"

namespace vetquant {
namespace {

TestSet set_of(std::vector<uint32_t> truth) {
  TestSet set;
  set.task = TaskKind::kClassification;
  set.labels = {"cs", "de", "en"};
  set.truth = std::move(truth);
  set.samples = set.truth.size();
  set.top_k = 2;
  set.unit = "clip";
  return set;
}

std::vector<Answer> answers(std::vector<uint32_t> best, const TestSet& set) {
  std::vector<Answer> all;
  for (size_t i = 0; i < best.size(); ++i) all.push_back({best[i], best[i] == set.truth[i]});
  return all;
}

const Metric& metric(const std::vector<Metric>& metrics, const std::string& key) {
  for (const Metric& one : metrics) {
    if (one.key == key) return one;
  }
  throw std::runtime_error("no metric " + key);
}

TEST(Answer, IsTheFirstOfTheHighestScoresAndRanksTies) {
  const TestSet set = set_of({1});
  const Answer tie = answer_of(make_floats({1, 3}, {2, 2, 1}), set, 0);
  EXPECT_EQ(tie.best, 0U);
  EXPECT_TRUE(tie.in_top_k);
  EXPECT_FALSE(answer_of(make_floats({1, 3}, {3, 1, 2}), set, 0).in_top_k);
}

TEST(Answer, NaNRanksLastAndOnlyNaNIsNoAnswer) {
  const TestSet set = set_of({1});
  const float nan = std::nanf("");
  EXPECT_EQ(answer_of(make_floats({3}, {nan, -5, nan}), set, 0).best, 1U);
  EXPECT_EQ(answer_of(make_floats({3}, {nan, nan, nan}), set, 0).best, kNoClass);
  EXPECT_FALSE(answer_of(make_floats({3}, {nan, nan, nan}), set, 0).in_top_k);
}

TEST(Answer, WrongNumberOfScoresIsAUsageError) {
  EXPECT_THROW(answer_of(make_floats({4}, {1, 2, 3, 4}), set_of({0}), 0), Error);
}

TEST(Classification, FiguresMatchHandComputation) {
  const TestSet set = set_of({0, 0, 1, 1, 2, 2});
  const auto own = answers({0, 1, 1, 1, 2, 0}, set);
  const auto metrics = classification_metrics(set, own, {}, {});
  EXPECT_NEAR(metric(metrics, "top1").value.value, 100.0 * 4 / 6, 1e-9);
  // F1: class 0: 2*1/(2+2), class 1: 2*2/(2+3), class 2: 2*1/(2+1)
  EXPECT_NEAR(metric(metrics, "macro_f1").value.value, 100 * (0.5 + 0.8 + 2.0 / 3) / 3, 1e-9);
  EXPECT_FALSE(metric(metrics, "top1").difference);
  const auto confusion = confusion_of(set, own);
  EXPECT_EQ(confusion[0], (std::vector<uint64_t>{1, 1, 0}));
  EXPECT_EQ(confusion[2], (std::vector<uint64_t>{1, 0, 1}));
}

TEST(Answer, ConfidenceIsTheSoftmaxUnlessScoresAreProbabilities) {
  const TestSet set = set_of({1});
  EXPECT_NEAR(answer_of(make_floats({3}, {0, std::log(2.0f), 0}), set, 0).confidence, 0.5, 1e-6);
  EXPECT_NEAR(answer_of(make_floats({3}, {0.25f, 0.625f, 0.125f}), set, 0).confidence, 0.625, 1e-6);
  const float nan = std::nanf("");
  EXPECT_NEAR(answer_of(make_floats({3}, {nan, 7, 7}), set, 0).confidence, 0.5, 1e-6);
  EXPECT_EQ(answer_of(make_floats({3}, {nan, nan, nan}), set, 0).confidence, 0);
}

TEST(Classification, CalibrationErrorMatchesHandComputation) {
  const TestSet set = set_of({0, 0, 1, 1, 2, 2});
  auto own = answers({0, 1, 1, 1, 2, 0}, set);
  const double confidence[] = {0.9, 0.91, 0.62, 0.63, 0.99, 0.41};
  for (size_t i = 0; i < own.size(); ++i) own[i].confidence = confidence[i];
  // Bins of a 15th: {0.9, 0.91} one right, {0.62, 0.63} both, {0.99} right, {0.41} wrong.
  const double sum = std::abs(1.81 - 1) + std::abs(1.25 - 2) + std::abs(0.99 - 1) + 0.41;
  EXPECT_NEAR(metric(classification_metrics(set, own, {}, {}), "ece").value.value, 100 * sum / 6, 1e-9);
}

TEST(Classification, RecallIsOfEachClassThatOccurs) {
  const TestSet set = set_of({0, 0, 0, 0, 1, 1});
  const auto own = answers({0, 0, 0, 1, 1, 0}, set), base = answers({0, 0, 0, 0, 1, 1}, set);
  std::vector<std::string> labels;
  for (const Metric& one : classification_metrics(set, own, base, {})) {
    if (one.key != "recall") continue;
    labels.push_back(one.output);
    EXPECT_EQ(one.value.value, one.output == "cs" ? 75 : 50);
    EXPECT_EQ(one.difference->value, one.output == "cs" ? -25 : -50);
    EXPECT_TRUE(one.difference->at(95));
  }
  EXPECT_EQ(labels, (std::vector<std::string>{"cs", "de"}));
}

TEST(Classification, EqualModelsHaveNoZeroWidthInterval) {
  const TestSet set = set_of(std::vector<uint32_t>(200, 1));
  const auto same = answers(std::vector<uint32_t>(200, 1), set);
  for (const Metric& one : classification_metrics(set, same, same, {})) {
    const Interval* interval = one.difference->at(95);
    ASSERT_TRUE(interval) << one.key;
    if (one.key == "ece") continue;
    EXPECT_NEAR(interval->high, 100 * 3.8415 / 203.8415, 0.01) << one.key;
    EXPECT_NEAR(interval->low, -interval->high, 1e-6) << one.key;
    EXPECT_NEAR(one.value.at(95)->low, 100 * std::pow(0.025, 1.0 / 200), 1e-6) << one.key;
    EXPECT_EQ(one.difference->value, 0);
  }
}

TEST(Classification, PairedDifferenceIsTangosInPoints) {
  const TestSet set = set_of(std::vector<uint32_t>(50, 1));
  std::vector<uint32_t> base(50, 1), own(50, 1);
  base[7] = 0;
  const auto metrics = classification_metrics(set, answers(own, set), answers(base, set), {});
  const Metric& top1 = metric(metrics, "top1");
  EXPECT_NEAR(top1.difference->value, 2, 1e-9);
  EXPECT_NEAR(top1.difference->at(95)->low, -5.27745503, 1e-5);
  EXPECT_NEAR(top1.difference->at(95)->high, 10.49544359, 1e-5);
  EXPECT_NEAR(top1.ratio->value, 100.0 / 98, 1e-9);
}

TEST(Classification, ClustersThatFailTogetherWidenTheInterval) {
  TestSet set = set_of(std::vector<uint32_t>(100, 1));
  std::vector<uint32_t> own(100, 1);
  for (size_t i = 0; i < 10; ++i) own[i] = 0;  // one voice of ten fails altogether
  const auto wrong = answers(own, set);
  const double plain = metric(classification_metrics(set, wrong, {}, {}), "top1").value.at(95)->low;
  for (uint32_t i = 0; i < 100; ++i) set.clusters.push_back(i / 10);
  set.cluster_count = 10;
  const Metric clustered = metric(classification_metrics(set, wrong, {}, {}), "top1");
  EXPECT_LT(clustered.value.at(95)->low, plain - 20);
  EXPECT_EQ(clustered.value.method, "Korn-Graubard and bootstrap-t with design effect 11.11 over 10 clusters");
}

}  // namespace
}  // namespace vetquant
