// What the tests of runtime, eval and report share: the test worker, the runtime's path, a tiny model.
#pragma once

#include <filesystem>
#include <string>

#include "support/model_builder.h"
#include "vetquant/runtime/worker.h"

namespace vetquant::test {

inline WorkerProgram worker_program(const std::string& mode = kWorkerCommand) {
  const auto folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  return {folder / "vetquant_judge_worker", {mode}};
}

// y = x W with W [4, 3], and a second output "sum" = x + x.
inline TestModel linear_model(std::span<const float> weights) {
  TestModel model;
  auto graph = model.main();
  graph.input("x", kFloat, {-1, 4}).output("y", kFloat, {-1, 3}).output("sum", kFloat, {-1, 4});
  graph.proto().mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(0)->set_dim_param(
      "N");
  graph.floats("w", {4, 3}, weights);
  graph.node("MatMul", {"x", "w"}, {"y"}, "fc");
  graph.node("Add", {"x", "x"}, {"sum"}, "double");
  return model;
}

inline const std::vector<float>& plain_weights() {
  static const std::vector<float> weights = {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1};
  return weights;
}

}  // namespace vetquant::test
