#include "vetquant/runtime/session.h"

#include <gtest/gtest.h>

#include "runtime/support.h"
#include "vetquant/core/error.h"

namespace vetquant {
namespace {

using test::TempFolder;
using test::TestModel;

std::shared_ptr<const RuntimeLibrary> library() { return RuntimeLibrary::open(find_runtime_library()); }

TEST(Session, RunsAModelAndTellsItsInputsAndOutputs) {
  TempFolder folder;
  const auto path = folder.write("m.onnx", test::linear_model(test::plain_weights()));
  Session session(library(), path, {});
  EXPECT_GT(session.load_ms(), 0);
  ASSERT_EQ(session.inputs().size(), 1U);
  EXPECT_EQ(describe(session.inputs()[0]), "fp32[N, 4]");
  const std::vector<NamedTensor> inputs = {{"x", make_floats({1, 4}, {1, 2, 3, 10})}};
  const auto outputs = session.run(inputs);
  ASSERT_EQ(outputs.size(), 2U);
  EXPECT_EQ(to_doubles(outputs[0].tensor), (std::vector<double>{11, 12, 13}));
  EXPECT_EQ(to_doubles(outputs[1].tensor), (std::vector<double>{2, 4, 6, 20}));
  EXPECT_GT(session.last_run_ms(), 0);
}

TEST(Session, OnlyWantedOutputsComeBackAndUnknownOnesAreRefused) {
  TempFolder folder;
  Session session(library(), folder.write("m.onnx", test::linear_model(test::plain_weights())), {});
  const std::vector<NamedTensor> inputs = {{"x", make_floats({1, 4}, {1, 2, 3, 10})}};
  const auto outputs = session.run(inputs, {"sum"});
  ASSERT_EQ(outputs.size(), 1U);
  EXPECT_EQ(outputs[0].name, "sum");
  EXPECT_THROW(session.run(inputs, {"nothing"}), Error);
}

TEST(Session, EmptyBatchRuns) {
  TempFolder folder;
  Session session(library(), folder.write("m.onnx", test::linear_model(test::plain_weights())), {});
  const auto outputs = session.run(std::vector<NamedTensor>{{"x", make_floats({0, 4}, {})}});
  EXPECT_EQ(outputs[0].tensor.shape, (std::vector<int64_t>{0, 3}));
}

TEST(Session, AFileThatIsNoModelIsABadModel) {
  TempFolder folder;
  const auto path = folder.write("m.onnx", "no protobuf at all");
  try {
    Session session(library(), path, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadModel);
    EXPECT_EQ(error.where(), path.string());
  }
}

TEST(Session, AnUnknownOperatorIsRefusedWithTheRuntimesWords) {
  TempFolder folder;
  TestModel model;
  model.main().input("x", test::kFloat, {1}).output("y", test::kFloat, {1});
  model.main().node("NoSuchOperator", {"x"}, {"y"}, "n");
  try {
    Session session(library(), folder.write("m.onnx", model), {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("NoSuchOperator"), std::string::npos) << error.what();
  }
}

TEST(Operators, CountsReachIntoSubgraphsAndShowWhatTheRuntimeMade) {
  TempFolder folder;
  TestModel model;
  auto graph = model.main();
  graph.input("x", test::kFloat, {2, 4}).input("c", onnx::TensorProto::BOOL, {}).output("y", test::kFloat, {2, 4});
  auto& choice = graph.node("If", {"c"}, {"y"}, "decide");
  auto then_branch = test::subgraph(choice, "then_branch");
  then_branch.output("a", test::kFloat, {2, 4});
  then_branch.node("Identity", {"x"}, {"i"});
  then_branch.node("Relu", {"i"}, {"a"});
  auto else_branch = test::subgraph(choice, "else_branch");
  else_branch.output("b", test::kFloat, {2, 4});
  else_branch.node("Neg", {"x"}, {"b"});
  const auto path = folder.write("m.onnx", model);
  const auto written = count_operators(path);
  EXPECT_EQ(written.at("Identity"), 1U);
  EXPECT_EQ(written.at("Neg"), 1U);
  const auto made = optimized_operators(library(), path, {}, folder.path());
  EXPECT_EQ(made.count("Identity"), 0U);
  EXPECT_EQ(made.at("Relu"), 1U);
  EXPECT_EQ(made.at("If"), 1U);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "optimized.onnx"));
}

}  // namespace
}  // namespace vetquant
