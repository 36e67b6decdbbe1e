// Costs are shares of the float product's time: where one of the products does not run, there is no table.
#include "vetquant/pipeline/measure_costs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "runtime/support.h"
#include "support/error_of.h"

namespace vetquant {
namespace {

using test::TempFolder;
using testing::StartsWith;

// A worker that is gone at once where it is the `failing`th to be started (from 0).
WorkerProgram failing_at(const TempFolder& folder, int failing) {
  const std::string count = folder.path() / "started";
  std::ofstream(count) << 0;
  const WorkerProgram real = test::worker_program();
  WorkerProgram worker;
  worker.path = "/bin/bash";
  worker.arguments = {
      "-c",
      "read -r n <\"$0\"; echo $((n + 1)) >\"$0\"; [ $n = " + std::to_string(failing) + " ] && exit 3; exec \"$@\"",
      count, real.path.string()};
  worker.arguments.insert(worker.arguments.end(), real.arguments.begin(), real.arguments.end());
  return worker;
}

Error error_with(const WorkerProgram& worker) {
  MeasureSettings settings;
  settings.runtime_library = find_runtime_library();
  settings.worker = worker;
  settings.rounds = 1;
  settings.quick = true;
  return test::error_of([&] { measure_costs(load_target("ort-cpu-avx2"), settings); });
}

TEST(MeasureCosts, AFormThatTheRuntimeCannotRunIsNamed) {
  const TempFolder folder;
  const Error error = error_with(failing_at(folder, 2));
  EXPECT_EQ(error.code(), ErrorCode::kGate);
  EXPECT_THAT(error.what(), StartsWith("product in matmul_nbits 8 bits: "));
}

TEST(MeasureCosts, WithoutTheFloatProductThereIsNothingToCompareWith) {
  const TempFolder folder;
  const Error error = error_with(failing_at(folder, 0));
  EXPECT_EQ(error.code(), ErrorCode::kGate);
  EXPECT_THAT(error.what(), StartsWith("product in float: "));
}

}  // namespace
}  // namespace vetquant
