// Statistics of activations from samples: the same for any number of threads and any division of the samples, as numbers
// computed by hand say, and read as they are from a statistics file.
#include "vetquant/pipeline/calibration.h"

#include <gtest/gtest.h>

#include <atomic>

#include "runtime/support.h"
#include "vetquant/policy/statistics_file.h"

namespace vetquant {
namespace {

using quant::ActivationRange;
using quant::ActivationStatistics;
using quant::TensorStatistics;
using test::TempFolder;

CalibrationOptions options_with(int threads) {
  CalibrationOptions options;
  options.runtime_library = find_runtime_library();
  options.worker = test::worker_program();
  options.threads = threads;
  return options;
}

class Calibration : public testing::Test {
 protected:
  Source source() const { return load_source(folder_.write("m.onnx", test::linear_model(test::plain_weights()))); }
  std::filesystem::path samples(int count) const {
    return folder_.write("s" + std::to_string(count) + ".yaml",
                         "version: 1\ntask: tensors\nrandom: {seed: 3, samples: " + std::to_string(count) + "}\n");
  }
  TempFolder folder_;
};

TEST_F(Calibration, IsTheSameForAnyNumberOfThreads) {
  for (const int count : {1, 3, 16, 37}) {
    const ActivationStatistics one = obtain_statistics(source(), samples(count), options_with(1));
    EXPECT_EQ(one.samples, static_cast<uint64_t>(count));
    EXPECT_EQ(one.tensors.at("x").values, static_cast<uint64_t>(4 * count));
    EXPECT_EQ(to_yaml(obtain_statistics(source(), samples(count), options_with(4))), to_yaml(one)) << count;
  }
}

TEST_F(Calibration, SaysWhatTheModelComputes) {
  const auto set = folder_.write("fixed.yaml", "version: 1\ntask: tensors\ninputs: {x: {value: 1.5}}\n");
  const ActivationStatistics statistics = obtain_statistics(source(), set, options_with(2));
  EXPECT_EQ(statistics.model_file, "m.onnx");
  EXPECT_EQ(statistics.tensors.at("x").range, (ActivationRange{1.5, 1.5}));
  EXPECT_EQ(statistics.tensors.at("y").range, (ActivationRange{3, 3}));  // x0 + x3, x1 + x3, x2 + x3
  EXPECT_EQ(statistics.tensors.at("sum").range, (ActivationRange{3, 3}));
}

TEST_F(Calibration, ReadsAStatisticsFileAsItIs) {
  ActivationStatistics written;
  written.tensors["y"].range = ActivationRange{-7, 9};
  written.tensors["y"].minimum = -7;
  written.tensors["y"].maximum = 9;
  const auto path = folder_.write("stats.yaml", to_yaml(written));
  EXPECT_EQ(obtain_statistics(source(), path, {}), written);
}

TEST_F(Calibration, WhatWasObservedIsNotRunAgain) {
  CalibrationOptions options = options_with(2);
  options.cache = AnswerCache{.folder = folder_.path() / "cache", .warn = {}, .tell = {}};
  const ActivationStatistics first = obtain_statistics(source(), samples(5), options);
  std::atomic<int> steps{0};
  options.progress = [&](const Progress&) { ++steps; };
  EXPECT_EQ(to_yaml(obtain_statistics(source(), samples(5), options)), to_yaml(first));
  EXPECT_EQ(steps, 1);  // that all is known
}

TEST(Doubts, NameTheTensorsAndWhatIsWrong) {
  ActivationStatistics statistics;
  const auto add = [&](const std::string& name) -> TensorStatistics& { return statistics.tensors[name]; };
  add("fine") = {.range = ActivationRange{0, 1}, .maximum = 1, .values = 9, .histogram = {}, .channels = {}};
  EXPECT_TRUE(doubts_about(statistics).empty());
  for (const char* name : {"a", "b", "c", "d"}) add(name);
  add("constant") = {
      .range = ActivationRange{2, 2}, .minimum = 2, .maximum = 2, .values = 9, .histogram = {}, .channels = {}};
  const std::vector<std::string> doubts = doubts_about(statistics);
  ASSERT_EQ(doubts.size(), 2u);
  EXPECT_EQ(doubts[0].substr(0, 42), "4 tensors (a, b, c, ...) never reached: no");
  EXPECT_EQ(doubts[1], "1 tensor (constant) never changed: one value on all samples");
}

}  // namespace
}  // namespace vetquant
