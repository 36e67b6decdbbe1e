// Activations are observed wherever they are computed: main graph, branches, loop bodies, functions; any float type.
#include "vetquant/runtime/observed_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "runtime/support.h"
#include "support/error_of.h"
#include "vetquant/model/model.h"

namespace vetquant {
namespace {

using quant::ActivationObserver;
using test::error_of;
using test::GraphHandle;
using test::kFloat;
using test::kInt64;
using test::TempFolder;
using test::TestModel;

SessionOptions observing(size_t observers) {
  SessionOptions options;
  options.optimization = Optimization::kNone;
  options.observers = observers;
  return options;
}

// The model with observers, run in this process.
class Observed {
 public:
  explicit Observed(const TestModel& source) {
    const auto model = Model::load(folder_.write("source.onnx", source));
    const ObservedModel observed = observed_model(*model, GraphIndex(model->skeleton()));
    addresses_ = observed.addresses;
    const auto path = folder_.write("observed.onnx", observed.skeleton->SerializeAsString());
    session_ =
        std::make_unique<Session>(RuntimeLibrary::open(find_runtime_library()), path, observing(addresses_.size()));
  }

  void run(const std::vector<NamedTensor>& inputs) { session_->run(inputs); }
  const std::vector<std::string>& addresses() const { return addresses_; }
  const ActivationObserver& at(const std::string& address) {
    const auto found = std::find(addresses_.begin(), addresses_.end(), address);
    if (found == addresses_.end()) throw std::runtime_error("nobody observes " + address);
    return session_->observers().at(static_cast<size_t>(found - addresses_.begin()));
  }

 private:
  TempFolder folder_;
  std::vector<std::string> addresses_;
  std::unique_ptr<Session> session_;
};

NamedTensor floats(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values) {
  return {name, make_floats(shape, values)};
}

TEST(ObservedModel, SeesInputsAndResultsOfNodes) {
  Observed model(test::linear_model(test::plain_weights()));
  EXPECT_EQ(model.addresses(), (std::vector<std::string>{"x", "y", "sum"}));
  model.run({floats("x", {1, 4}, {1, 2, 3, 10})});
  model.run({floats("x", {1, 4}, {-1, 0, 0, 0})});
  EXPECT_EQ(model.at("x").values(), 8u);
  EXPECT_EQ(model.at("x").minimum(), -1);
  EXPECT_EQ(model.at("y").values(), 6u);
  EXPECT_EQ(model.at("y").maximum(), 13);
  EXPECT_EQ(model.at("sum").maximum(), 20);
}

TestModel with_branches() {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {-1}).input("c", onnx::TensorProto::BOOL, {}).output("y", kFloat, {-1});
  auto& decide = graph.node("If", {"c"}, {"y"}, "decide");
  test::subgraph(decide, "then_branch").output("doubled", kFloat, {-1}).node("Add", {"x", "x"}, {"doubled"}, "double");
  test::subgraph(decide, "else_branch").output("negated", kFloat, {-1}).node("Neg", {"x"}, {"negated"}, "negate");
  return model;
}

TEST(ObservedModel, SeesTheBranchThatRuns) {
  Observed model(with_branches());
  const HostTensor yes{DType::kBool, {}, {std::byte{1}}};
  model.run({floats("x", {2}, {1, 3}), {"c", yes}});
  EXPECT_EQ(model.at("/decide/then_branch/doubled").maximum(), 6);
  EXPECT_EQ(model.at("/decide/else_branch/negated").values(), 0u);  // never reached
  EXPECT_EQ(model.at("y").maximum(), 6);
}

// h grows by one value each time: no scan output could hold it.
TEST(ObservedModel, SeesEachTurnOfALoopWhateverItsShape) {
  TestModel source;
  GraphHandle graph = source.main();
  graph.input("x", kFloat, {-1}).output("h", kFloat, {-1});
  graph.int64s("turns", {}, {3});
  auto& loop = graph.node("Loop", {"turns", "", "x"}, {"h"}, "loop");
  GraphHandle body = test::subgraph(loop, "body");
  body.input("i", kInt64, {}).input("going", onnx::TensorProto::BOOL, {}).input("h_in", kFloat, {-1});
  body.output("going_on", onnx::TensorProto::BOOL, {}).output("h_out", kFloat, {-1});
  body.node("Identity", {"going"}, {"going_on"}, "go on");
  body.node("Concat", {"h_in", "h_in"}, {"h_out"}, "grow").add_attribute()->CopyFrom([] {
    onnx::AttributeProto axis;
    axis.set_name("axis");
    axis.set_type(onnx::AttributeProto::INT);
    axis.set_i(0);
    return axis;
  }());
  Observed model(source);
  model.run({floats("x", {1}, {5})});
  EXPECT_EQ(model.at("/loop/body/h_in").values(), 1u + 2 + 4);
  EXPECT_EQ(model.at("/loop/body/h_out").values(), 2u + 4 + 8);
  EXPECT_EQ(model.at("h").values(), 8u);
}

TEST(ObservedModel, SeesAFunctionWhereverItIsCalled) {
  TestModel source(17, 8);
  source.import_domain("own", 1);
  auto& function = source.function("own", "Twice", {"a"}, {"b"});
  test::add_node(function, "Add", {"a", "a"}, {"inner"}, "add");
  test::add_node(function, "Relu", {"inner"}, {"b"}, "relu");
  source.main().input("x", kFloat, {-1}).output("z", kFloat, {-1});
  source.main().node("Twice", {"x"}, {"y"}, "first", "own");
  source.main().node("Twice", {"y"}, {"z"}, "second", "own");
  Observed model(source);
  model.run({floats("x", {2}, {-1, 1})});
  EXPECT_EQ(model.at("own::Twice/inner").values(), 4u);  // of both calls
  EXPECT_EQ(model.at("own::Twice/inner").minimum(), -2);
  EXPECT_EQ(model.at("own::Twice/inner").maximum(), 4);
  EXPECT_EQ(model.at("z").maximum(), 4);
}

TEST(ObservedModel, LeavesConstantsAndIntegersAlone) {
  TestModel source;
  GraphHandle graph = source.main();
  graph.input("x", kFloat, {2, 2}).output("y", kFloat, {2, 2});
  graph.floats("w", {2, 2}, std::vector<float>{1, 2, 3, 4});
  graph.node("Transpose", {"w"}, {"turned"}, "turn");
  graph.node("MatMul", {"x", "turned"}, {"y"}, "fc");
  graph.node("Shape", {"x"}, {"dims"}, "shape");
  Observed model(source);
  EXPECT_EQ(model.addresses(), (std::vector<std::string>{"x", "y"}));
}

TEST(ObservedModel, SeesHalvesAndDoubles) {
  TestModel source;
  GraphHandle graph = source.main();
  graph.input("x", kFloat, {-1}).output("half", onnx::TensorProto::FLOAT16, {-1});
  graph.output("wide", onnx::TensorProto::DOUBLE, {-1});
  test::set_int(graph.node("Cast", {"x"}, {"half"}, "to half"), "to", onnx::TensorProto::FLOAT16);
  test::set_int(graph.node("Cast", {"x"}, {"wide"}, "to double"), "to", onnx::TensorProto::DOUBLE);
  Observed model(source);
  std::vector<float> values(5000, 1);
  values[4999] = -65504;
  model.run({floats("x", {5000}, values)});
  EXPECT_EQ(model.at("half").minimum(), -65504);
  EXPECT_EQ(model.at("half").values(), 5000u);
  EXPECT_EQ(model.at("wide").minimum(), -65504);
  EXPECT_EQ(model.at("wide").maximum(), 1);
}

TEST(ObservedModel, SaysWhereTheTypeIsUnknown) {
  TestModel source(17, 8);
  source.import_domain("own", 1);
  test::add_node(source.function("own", "Count", {"a"}, {"b"}), "Shape", {"a"}, {"b"}, "count");
  source.main().input("x", kFloat, {-1}).output("n", kInt64, {1}).node("Count", {"x"}, {"n"}, "count", "own");
  TempFolder folder;
  const auto model = Model::load(folder.write("m.onnx", source));
  const ObservedModel observed = observed_model(*model, GraphIndex(model->skeleton()));
  EXPECT_EQ(observed.addresses, (std::vector<std::string>{"x", "own::Count/b"}));
  EXPECT_EQ(observed.is_float, (std::vector<bool>{true, false}));
}

TEST(ObservedModel, AModelWithoutFloatsIsRefused) {
  TestModel source;
  source.main().input("x", kInt64, {1}).output("y", kInt64, {1}).node("Neg", {"x"}, {"y"}, "negate");
  TempFolder folder;
  const auto model = Model::load(folder.write("m.onnx", source));
  const Error error = error_of([&] { observed_model(*model, GraphIndex(model->skeleton())); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_EQ(error.message(), "has no float activation: there is nothing to calibrate");
}

TEST(ObservedModel, AWorkerHandsOverWhatWasSeen) {
  TempFolder folder;
  const auto source = Model::load(folder.write("source.onnx", test::linear_model(test::plain_weights())));
  const ObservedModel observed = observed_model(*source, GraphIndex(source->skeleton()));
  Worker worker(test::worker_program(), {});
  worker.open(find_runtime_library(), folder.write("observed.onnx", observed.skeleton->SerializeAsString()),
              observing(observed.addresses.size()));
  for (const float most : {4.0f, 8.0f}) {
    worker.run(std::vector<NamedTensor>{floats("x", {1, 4}, {most, 0, 0, -1})}, {"y"});
    worker.end_sample();
  }
  const std::vector<ActivationObserver> seen = worker.take_observed();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].values(), 8u);
  EXPECT_EQ(seen[0].mean_maximum(), 6);
  EXPECT_EQ(worker.take_observed()[0].values(), 0u);  // taken once
}

}  // namespace
}  // namespace vetquant
