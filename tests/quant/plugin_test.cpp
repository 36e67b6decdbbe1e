// Plug-ins are never trusted: each lie is one Error{kUnsupported} that names the plug-in, and this process lives on.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "support/error_of.h"
#include "vetquant/core/interrupt.h"
#include "vetquant/quant/algorithm.h"

namespace vetquant {
namespace {

using test::error_of;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::string plugin(const std::string& name) { return std::string(VETQUANT_TEST_PLUGINS) + "/" + name + ".so"; }

struct Result {
  std::vector<float> scale, zero_point;
  std::vector<uint8_t> codes;
};

// Runs "lying" with an order as the first value; 2 groups of 3.
Result run(const AlgorithmSet& set, float order, const QuantSpec& spec = {}, const std::string& name = "lying") {
  const std::vector<float> values{order, 1, 2, 3, 4, 5};
  Result result{std::vector<float>(2), std::vector<float>(2), std::vector<uint8_t>(6)};
  set.find(name).quantize(spec, values, 3, result.scale, result.zero_point, result.codes);
  return result;
}

TEST(Plugin, AddsItsAlgorithmsBehindTheBuiltInOnes) {
  AlgorithmSet set;
  set.load_plugin(plugin("honest"));
  EXPECT_THAT(set.names(), ElementsAre("rtn", "mse", "lying", "lying-too"));
  EXPECT_FALSE(set.find("lying").separable());
  const Result result = run(set, 0);
  EXPECT_THAT(result.scale, ElementsAre(0.5f, 0.5f));
  EXPECT_THAT(result.zero_point, ElementsAre(0.0f, 0.0f));
  EXPECT_THAT(result.codes, ElementsAre(0, 0, 0, 0, 0, 0));
}

TEST(Plugin, CallsFromManyThreadsAreServedOneByOne) {
  AlgorithmSet set;
  set.load_plugin(plugin("honest"));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) EXPECT_EQ(run(set, 0).scale[1], 0.5f);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Plugin, CallsGrowTheSharedMemory) {
  AlgorithmSet set;
  set.load_plugin(plugin("honest"));
  for (const size_t groups : {1u, 1000u, 100000u, 3u}) {
    const std::vector<float> values(groups * 32);
    std::vector<float> scale(groups), zero(groups);
    std::vector<uint8_t> codes(values.size(), 9);
    set.find("lying").quantize({}, values, 32, scale, zero, codes);
    EXPECT_EQ(scale.back(), 0.5f);
    EXPECT_EQ(codes.back(), 0);
  }
}

TEST(Plugin, WhatCannotBeLoadedIsSaidByName) {
  const struct {
    const char *file, *says;
  } cases[] = {
      {"missing", "cannot be loaded: "},
      {"wrong_abi", "was built for plug-in interface 99, this vetquant has 1; rebuild it"},
      {"wrong_size", "describes itself in 8 bytes where interface 1 has 32; rebuild it"},
      {"null_plugin", "does not support plug-in interface 1; build it for this vetquant"},
      {"no_algorithm", "offers no algorithm"},
      {"taken_name", "algorithm name 'mse' is taken; rename it in the plug-in"},
      {"bad_name", "algorithm name 'two words' is not 1 to 63 of a-z, 0-9, '_' and '-'"},
      {"no_name", "algorithm 1 has no name or no function"},
      {"crash_at_load", "crashed while it was loaded: Segmentation fault"},
      {"exit_at_load", "ended its process while it was loaded (exit status 3)"},
      {"no_entry", "has no vetquant_plugin_entry: it is not a vetquant plug-in"},
  };
  for (const auto& [file, says] : cases) {
    AlgorithmSet set;
    const Error error = error_of([&] { set.load_plugin(plugin(file)); });
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << file;
    EXPECT_THAT(error.message(), StartsWith(says)) << file;
    EXPECT_EQ(error.where(), "plug-in " + plugin(file)) << file;
    EXPECT_THAT(set.names(), ElementsAre("rtn", "mse")) << file;
  }
}

TEST(Plugin, NoLibraryAtAllAndAFolderAreErrors) {
  AlgorithmSet set;
  EXPECT_EQ(error_of([&] { set.load_plugin("/"); }).code(), ErrorCode::kUnsupported);
  EXPECT_EQ(error_of([&] { set.load_plugin("/etc/passwd"); }).code(), ErrorCode::kUnsupported);
}

TEST(Plugin, LoadingItTwiceIsRefused) {
  AlgorithmSet set;
  set.load_plugin(plugin("honest"));
  EXPECT_THAT(error_of([&] { set.load_plugin(plugin("honest")); }).message(),
              StartsWith("algorithm name 'lying' is taken"));
  EXPECT_EQ(set.names().size(), 4u);
}

TEST(Plugin, NonsenseResultsAreNamed) {
  AlgorithmSet set;
  set.load_plugin(plugin("honest"));
  QuantSpec half;
  half.scale_type = ScaleType::kFloat16;
  QuantSpec asymmetric;
  asymmetric.symmetry = Symmetry::kAsymmetric;
  QuantSpec narrow;
  narrow.range = CodeRange::kNarrow;
  QuantSpec four;
  four.code_type = DType::kInt4;
  const struct {
    float order;
    QuantSpec spec;
    const char* says;
  } cases[] = {
      {101, {}, "returned the scale nan, which is not finite and positive, for group 1"},
      {102, {}, "returned the scale 0., which is not finite and positive, for group 0"},
      {103, {}, "returned the scale -1., which is not finite and positive, for group 0"},
      {104, {}, "returned the scale inf, which is not finite and positive, for group 0"},
      {105, half, "returned the scale 0.1, which is no half float, for group 0"},
      {106, {}, "returned the zero point nan, which is not finite, for group 0"},
      {107, asymmetric, "returned the zero point 0.5, which is no code, for group 0"},
      {108, asymmetric, "returned the zero point 300., which is no code, for group 0"},
      {109, {}, "returned the zero point 1. where the symmetric one is 0 for group 0"},
      {110, narrow, "returned the code -128, which is not within -127...127, for group 1"},
      {111, four, "returned the code 31, which is not within -8...7, for group 0"},
      {112, {}, "wrote beyond the end of a buffer in algorithm 'lying'"},
      {113, {}, "wrote beyond the end of a buffer in algorithm 'lying'"},
      {114, {}, "wrote beyond the end of a buffer in algorithm 'lying'"},
      {115, {}, "wrote beyond the end of a buffer in algorithm 'lying'"},
      {130, {}, "algorithm 'lying' failed: the stars\\x0aare wrong"},
      {131, {}, "algorithm 'lying' failed: xxxxxxx"},
      {132, {}, "algorithm 'lying' failed: it does not say why"},
  };
  for (const auto& [order, spec, says] : cases) {
    const Error error = error_of([&] { run(set, order, spec); });
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << order;
    EXPECT_THAT(error.message(), HasSubstr(says)) << order;
    EXPECT_EQ(error.where(), "plug-in " + plugin("honest")) << order;
    EXPECT_EQ(run(set, 0).scale[0], 0.5f) << "a refused result must not spoil the next, " << order;
  }
}

TEST(Plugin, ACrashIsAnErrorThatLasts) {
  const struct {
    float order;
    const char* says;
  } cases[] = {
      {120, "crashed in algorithm 'lying': Segmentation fault"},
      {121, "crashed in algorithm 'lying': Aborted"},
      {122, "crashed in algorithm 'lying': Segmentation fault"},
      {123, "ended its process in algorithm 'lying' (exit status 7)"},
      {124, "ended its process in algorithm 'lying' (exit status 0)"},
  };
  for (const auto& [order, says] : cases) {
    AlgorithmSet set;
    set.load_plugin(plugin("honest"));
    for (const float value : {order, 0.0f}) {
      const Error error = error_of([&] { run(set, value); });
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << order;
      EXPECT_EQ(error.message(), says) << order;
    }
    EXPECT_EQ(set.find("rtn").name(), "rtn");
  }
}

TEST(Plugin, OneThatHangsDoesNotHoldUpAnInterrupt) {
  AlgorithmSet set;
  set.load_plugin(plugin("honest"));
  std::thread interrupter([] { interrupt::request(); });
  const Error error = error_of([&] { run(set, 140); });
  interrupter.join();
  interrupt::clear();
  EXPECT_EQ(error.code(), ErrorCode::kInterrupted);
  EXPECT_THAT(error_of([&] { run(set, 0); }).message(), StartsWith("did not answer an earlier call"));
}

TEST(Plugin, LeavesNoProcessBehind) {
  for (const float order : {0.0f, 120.0f}) {
    AlgorithmSet set;
    set.load_plugin(plugin("honest"));
    if (order == 0)
      run(set, order);
    else
      error_of([&] { run(set, order); });
  }
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Plugin, ValuesThatAreNotFiniteNeverReachIt) {
  AlgorithmSet set;
  set.load_plugin(plugin("honest"));
  EXPECT_EQ(error_of([&] { run(set, std::nanf("")); }).where(), "group 0");
}

TEST(Plugin, WhatItPrintsDoesNotMixIntoOurAnswer) {
  testing::internal::CaptureStdout();
  {
    AlgorithmSet set;
    set.load_plugin(plugin("honest"));
    run(set, 133);
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

TEST(PluginExample, AbsmeanClipsAtFourMeanMagnitudes) {
  AlgorithmSet set;
  set.load_plugin(plugin("absmean"));
  // Mean magnitude 1, largest 8.5: the range is 4, the scale 4 / 127.
  std::vector<float> values(16, 0.5f);
  values[3] = 8.5f;
  std::vector<float> scale(1), zero(1);
  std::vector<uint8_t> codes(16);
  set.find("absmean").quantize({}, values, 16, scale, zero, codes);
  EXPECT_EQ(scale[0], 4.0f / 127);
  EXPECT_EQ(codes[3], 127);
  EXPECT_EQ(codes[0], 16);  // 0.5 / (4 / 127) = 15.875
  QuantSpec asymmetric;
  asymmetric.symmetry = Symmetry::kAsymmetric;
  const Error error = error_of([&] { set.find("absmean").quantize(asymmetric, values, 16, scale, zero, codes); });
  EXPECT_EQ(error.message(),
            "algorithm 'absmean' failed: absmean gives symmetric codes with float scales only; say `symmetric: true, "
            "scales: fp32`");
}

}  // namespace
}  // namespace vetquant
