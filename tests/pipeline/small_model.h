// A model with two layers, in a folder of its own; and a policy file beside it.
#pragma once

#include <string>

#include "support/model_builder.h"
#include "vetquant/pipeline/pipeline.h"

namespace vetquant::test {

inline TestModel two_layers(uint64_t seed = 1) {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {1, 64}).output("y", kFloat, {1, 64});
  graph.floats("first", {64, 64}, random_floats(64 * 64, seed)).floats("second", {64, 64}, random_floats(64 * 64, 2));
  graph.node("MatMul", {"x", "first"}, {"hidden"}, "/first/MatMul");
  graph.node("MatMul", {"hidden", "second"}, {"y"}, "/second/MatMul");
  return model;
}

class Work {
 public:
  Work() : model_(folder_.write("model.onnx", two_layers())) {}
  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    return folder_.write(name, text);
  }
  std::filesystem::path write(const std::string& name, const TestModel& model) const {
    return folder_.write(name, model);
  }

  Request request(const std::string& policy = "int8") const {
    Request request;
    request.model = model_;
    request.policy = policy;
    request.output = path("out.onnx");
    return request;
  }

  // The bytes that quantize() writes.
  std::string written(const Prepared& prepared) const {
    WriteOptions options;
    options.output = prepared.request.output;
    options.replace = Replace::kYes;
    options.sidecar = prepared.request.sidecar;
    quantize(prepared, AlgorithmSet(), options);
    return read_text(options.output);
  }

 private:
  TempFolder folder_;
  std::filesystem::path model_;
};

}  // namespace vetquant::test
