#include "vetquant/runtime/worker.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

#include "runtime/support.h"
#include "vetquant/core/error.h"
#include "vetquant/core/interrupt.h"

namespace vetquant {
namespace {

using test::TempFolder;
using test::worker_program;

// An environment variable that is as it was before when the test ends.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { old_ ? ::setenv(name_, old_->c_str(), 1) : ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

Error failure_of(Worker& worker, const std::filesystem::path& model = "m.onnx") {
  try {
    worker.open(find_runtime_library(), model, {});
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorCode::kInternal, "nothing failed");
}

TEST(Worker, JudgesAModelInAnotherProcess) {
  TempFolder folder;
  Worker worker(worker_program(), {});
  const OpenedModel opened =
      worker.open(find_runtime_library(), folder.write("m.onnx", test::linear_model(test::plain_weights())), {});
  EXPECT_EQ(opened.runtime_version.substr(0, 2), "1.");
  EXPECT_GT(opened.load_ms, 0);
  EXPECT_GT(opened.after.peak_bytes, 1'000'000U);
  EXPECT_EQ(opened.outputs.at(1).name, "sum");
  const auto outputs = worker.run(std::vector<NamedTensor>{{"x", make_floats({1, 4}, {1, 2, 3, 10})}}, {"y"});
  EXPECT_EQ(to_doubles(outputs.at(0).tensor), (std::vector<double>{11, 12, 13}));
  EXPECT_GT(worker.time_again_ms(), 0);
  EXPECT_GE(worker.memory().peak_bytes, opened.after.peak_bytes);
  EXPECT_EQ(
      worker.optimized_operators(find_runtime_library(), folder.path() / "m.onnx", {}, folder.path()).at("MatMul"), 1U);
}

TEST(Worker, TensorsStayInTheChildBetweenRunsOfTwoModels) {
  TempFolder folder;
  Worker worker(worker_program(), {});
  const auto path = folder.write("m.onnx", test::linear_model(test::plain_weights()));
  worker.open(find_runtime_library(), path, {});
  worker.open(find_runtime_library(), path, {});
  const std::vector<NamedTensor> inputs = {{"x", make_floats({1, 4}, {1, 2, 3, 10})}};
  HeldRun first;
  first.inputs = inputs;
  first.wanted = {"y"};
  first.kept_outputs = {{"sum", "doubled"}};
  const HeldAnswer answer = worker.run_held(first);
  ASSERT_EQ(answer.outputs.size(), 1U);
  EXPECT_EQ(to_doubles(answer.outputs[0].tensor), (std::vector<double>{11, 12, 13}));
  EXPECT_GT(answer.run_ms, 0);
  HeldRun second;
  second.model = 1;
  second.held_inputs = {{"x", "doubled"}};
  second.wanted = {"y"};
  for (int again = 0; again < 2; ++again)
    EXPECT_EQ(to_doubles(worker.run_held(second).outputs.at(0).tensor), (std::vector<double>{22, 24, 26}));
  second.held_inputs = {{"x", "nothing"}};
  EXPECT_THROW(worker.run_held(second), Error);
  second.model = 2;
  EXPECT_THROW(worker.run_held(second), Error);
}

// Builds of ONNX Runtime that gather telemetry keep a data base of it below $HOME and a file in $TMPDIR.
TEST(Worker, LeavesNothingInTheHomeAndTheTemporaryFolder) {
  TempFolder folder;
  const auto model = folder.write("m.onnx", test::linear_model(test::plain_weights()));
  const std::filesystem::path home = folder.path() / "home";
  std::filesystem::create_directory(home);
  const Variable at_home("HOME", home.string()), temporary("TMPDIR", home.string()), cache("XDG_CACHE_HOME", "");
  Worker worker(worker_program(), {});
  worker.open(find_runtime_library(), model, {});
  worker.run(std::vector<NamedTensor>{{"x", make_floats({1, 4}, {1, 2, 3, 10})}}, {"y"});
  EXPECT_TRUE(std::filesystem::is_empty(home));
}

TEST(Worker, AnAbandonedOneEndsWhileItWorks) {
  auto worker = std::make_unique<Worker>(worker_program("hang"), WorkerLimits{});
  const int id = worker->process_id();
  EXPECT_EQ(::kill(id, 0), 0);
  worker->abandon();
  worker.reset();  // waits for its end
  EXPECT_EQ(::kill(id, 0), -1);
}

TEST(Worker, AnAbortIsAResultThatQuotesTheLastWords) {
  Worker worker(worker_program("abort"), {});
  const Error error = failure_of(worker);
  EXPECT_EQ(error.code(), ErrorCode::kGate);
  EXPECT_STREQ(error.what(),
               "m.onnx: the judged process ended by signal 6 (Aborted): assertion failed: kernel_is_sane, while "
               "loading the model");
  EXPECT_THROW(worker.memory(), Error);  // every later call too
}

TEST(Worker, AnEarlyExitIsAResult) {
  Worker worker(worker_program("exit"), {});
  EXPECT_STREQ(failure_of(worker).what(),
               "m.onnx: the judged process ended with exit status 3, while loading the model");
}

TEST(Worker, GarbageIsAResult) {
  Worker worker(worker_program("garbage"), {});
  EXPECT_EQ(failure_of(worker).code(), ErrorCode::kGate);
  Worker endless(worker_program("endless"), {});
  EXPECT_EQ(failure_of(endless).code(), ErrorCode::kGate);
}

TEST(Worker, ATimeoutEndsTheChild) {
  Worker worker(worker_program("hang"), {std::chrono::milliseconds(50), 0});
  EXPECT_STREQ(failure_of(worker).what(),
               "m.onnx: the judged process took more than 50 ms while loading the model and was ended");
  EXPECT_NE(::kill(worker.process_id(), 0), 0);
}

TEST(Worker, LackOfMemoryIsAResult) {
  TempFolder folder;
  test::TestModel model;
  model.main().input("n", test::kInt64, {1}).output("y", test::kFloat, {-1});
  model.main().node("ConstantOfShape", {"n"}, {"y"}, "fill");
  const auto path = folder.write("m.onnx", model);
  Worker worker(worker_program(), {std::chrono::milliseconds(0), uint64_t{2} << 30});
  worker.open(find_runtime_library(), path, {});
  const std::vector<NamedTensor> inputs = {{"n", make_int64s({1}, {int64_t{1} << 31})}};
  EXPECT_THROW(worker.run(inputs), Error);
}

TEST(Worker, ErrorsOfTheSessionKeepTheirCode) {
  TempFolder folder;
  Worker worker(worker_program(), {});
  const Error error = failure_of(worker, folder.write("m.onnx", "garbage"));
  EXPECT_EQ(error.code(), ErrorCode::kBadModel);
  Worker other(worker_program(), {});
  try {
    other.open("/nowhere/libonnxruntime.so", "m.onnx", {});
    FAIL();
  } catch (const Error& usage) {
    EXPECT_EQ(usage.code(), ErrorCode::kUsage);
  }
}

TEST(Worker, InterruptionUnwinds) {
  Worker worker(worker_program("hang"), {});
  interrupt::request();
  const Error error = failure_of(worker);
  interrupt::clear();
  EXPECT_EQ(error.code(), ErrorCode::kInterrupted);
}

TEST(Worker, AProgramThatIsNotThereIsAnError) { EXPECT_THROW(Worker({"/nowhere/program", {}}, {}), Error); }

TEST(RunAsWorker, OtherArgumentsAreNotAWorkers) {
  char name[] = "vetquant", command[] = "--judge-worker", word[] = "x";
  char* wrong_number[] = {name, command, word};
  EXPECT_FALSE(run_as_worker(3, wrong_number));
  EXPECT_FALSE(run_as_worker(2, wrong_number));
}

}  // namespace
}  // namespace vetquant
