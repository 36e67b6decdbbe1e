#include "vetquant/model/dim_tracer.h"

#include "load_fixture.h"

namespace vetquant {
namespace {

using test::GraphHandle;
using test::int64_tensor;
using test::kFloat;
using test::kInt64;
using test::random_floats;
using test::set_ints;
using test::TestModel;
using testing::ElementsAre;

void name_dim(GraphHandle graph, int input, int axis, const std::string& name) {
  auto& type = *graph.proto().mutable_input(input)->mutable_type()->mutable_tensor_type();
  type.mutable_shape()->mutable_dim(axis)->set_dim_param(name);
}

// "x.0", "3", "?" of what is told about a value.
class DimTracing : public test::Loaded {
 protected:
  void trace(const TestModel& made) {
    model_ = load(made);
    index_.emplace(model_->skeleton());
    constants_.emplace(*model_, *index_);
    tracer_.emplace(*index_, *constants_);
  }
  std::string text(const std::optional<Dim>& dim) const {
    if (!dim) return "?";
    if (!dim->value.valid()) return std::to_string(dim->number);
    return index_->value(dim->value).name + "." + std::to_string(dim->axis);
  }
  std::vector<std::string> dims(const std::string& value) const {
    const auto& found = tracer_->dims(index_->find_value(value));
    std::vector<std::string> result;
    if (!found) return {"no rank"};
    for (const Dim& dim : *found) result.push_back(text(dim));
    return result;
  }
  std::vector<std::string> entries(const std::string& value) const {
    const auto found = tracer_->entries(index_->find_value(value));
    std::vector<std::string> result;
    if (!found) return {"none"};
    for (const auto& entry : *found) result.push_back(text(entry));
    return result;
  }

 private:
  std::shared_ptr<const Model> model_;
  std::optional<GraphIndex> index_;
  std::optional<ConstantFinder> constants_;
  std::optional<DimTracer> tracer_;
};

// What exporters write before a Reshape to heads: [batch, length, 20] -> [batch, length, 4, 5]
TestModel heads(int64_t opset = 17) {
  TestModel made(opset);
  auto graph = made.main();
  graph.input("x", kFloat, {-1, -1, 20}).output("y");
  graph.floats("w", {20, 20}, random_floats(400, 1)).floats("b", {20}, random_floats(20, 2));
  graph.int64s("zero", {}, {0}).int64s("one", {}, {1}).int64s("axis", {1}, {0});
  graph.int64s("count", {1}, {4}).int64s("rest", {1}, {-1});
  graph.node("Shape", {"x"}, {"shape"});
  graph.node("Gather", {"shape", "zero"}, {"batch"});
  graph.node("Gather", {"shape", "one"}, {"length"});
  graph.node("Unsqueeze", {"batch", "axis"}, {"batch_"});
  graph.node("Unsqueeze", {"length", "axis"}, {"length_"});
  test::set_int(graph.node("Concat", {"batch_", "length_", "count", "rest"}, {"target"}), "axis", 0);
  graph.node("MatMul", {"x", "w"}, {"m"});
  graph.node("Add", {"b", "m"}, {"a"});
  graph.node("Reshape", {"a", "target"}, {"y"});
  return made;
}

TEST_F(DimTracing, FollowsDimensionsThroughShapeArithmetic) {
  trace(heads());
  EXPECT_THAT(entries("target"), ElementsAre("x.0", "x.1", "4", "-1"));
  EXPECT_THAT(dims("a"), ElementsAre("x.0", "x.1", "20"));
  EXPECT_THAT(dims("y"), ElementsAre("x.0", "x.1", "4", "5"));
}

// The batch was made dynamic by editing the input; what is noted of values in between is of the run that was exported.
TEST_F(DimTracing, DoesNotBelieveDeclaredShapesInBetween) {
  TestModel made;
  auto graph = made.main();
  graph.input("x", kFloat, {-1, 8}).output("y", kFloat, {1, 8}).output("shape", kInt64, {2});
  graph.node("Relu", {"x"}, {"r"});
  graph.node("Foo", {"r"}, {"f"}, "", "own");
  graph.node("Tanh", {"r"}, {"y"});
  graph.node("Shape", {"y"}, {"shape"});
  for (const char* name : {"r", "f"}) {
    auto& info = *graph.proto().add_value_info();
    info.set_name(name);
    auto& type = *info.mutable_type()->mutable_tensor_type();
    type.set_elem_type(kFloat);
    for (const int64_t dim : {1, 8}) type.mutable_shape()->add_dim()->set_dim_value(dim);
  }
  made.import_domain("own", 1);
  trace(made);
  EXPECT_THAT(dims("y"), ElementsAre("x.0", "8"));
  EXPECT_THAT(entries("shape"), ElementsAre("x.0", "8"));
  EXPECT_THAT(dims("f"), ElementsAre("no rank"));
}

TEST_F(DimTracing, TellsNothingBelowOpset7) {
  trace(heads(6));
  EXPECT_THAT(entries("target"), ElementsAre("none"));
}

TEST_F(DimTracing, DimensionsThatCompeteInABroadcastAreNew) {
  TestModel made;
  auto graph = made.main();
  graph.input("x", kFloat, {-1, 1, -1, 7}).input("m", kFloat, {-1, 1, 7}).input("n", kFloat, {5, 1, 1}).output("y");
  name_dim(graph, 0, 0, "batch");
  graph.node("Add", {"x", "m"}, {"s"}).set_name("sum");
  graph.node("Add", {"x", "n"}, {"t"});
  graph.node("Mul", {"s", "t"}, {"y"});
  trace(made);
  EXPECT_THAT(dims("s"), ElementsAre("x.0", "m.0", "x.2", "7"));  // x.1 is 1, m.1 is 1
  EXPECT_THAT(dims("t"), ElementsAre("x.0", "5", "x.2", "7"));
  EXPECT_THAT(dims("y"), ElementsAre("x.0", "5", "x.2", "7"));

  TestModel two;
  auto both = two.main();
  both.input("a", kFloat, {-1, 3}).input("b", kFloat, {-1, 3}).output("y");
  both.node("Add", {"a", "b"}, {"y"});
  trace(two);
  EXPECT_THAT(dims("y"), ElementsAre("y.0", "3"));
  name_dim(both, 0, 0, "N");
  name_dim(both, 1, 0, "N");  // one name, one value
  trace(two);
  EXPECT_THAT(dims("y"), ElementsAre("a.0", "3"));
}

TEST_F(DimTracing, ProductsTakeRowsFromOneSideAndColumnsFromTheOther) {
  TestModel made;
  auto graph = made.main();
  graph.input("q", kFloat, {-1, 4, -1, 8}).input("k", kFloat, {1, 4, -1, 8}).output("y");
  set_ints(graph.node("Transpose", {"k"}, {"k_t"}), "perm", {0, 1, 3, 2});
  graph.node("MatMul", {"q", "k_t"}, {"s"});
  graph.node("Softmax", {"s"}, {"y"});
  trace(made);
  EXPECT_THAT(dims("y"), ElementsAre("q.0", "4", "q.2", "k.2"));
}

// Where(shape == -1 * ones, ones, shape), then Expand: torch's expand().
TEST_F(DimTracing, KnowsTheIdiomOfExpand) {
  TestModel made;
  auto graph = made.main();
  graph.input("ids", kInt64, {-1, -1}).input("p", kFloat, {1, -1}).output("y");
  graph.int64s("zero", {1}, {0}).int64s("minus", {1}, {-1}).int64s("two", {1}, {2});
  graph.node("Shape", {"ids"}, {"shape"});
  graph.node("Gather", {"shape", "zero"}, {"batch"});
  test::set_int(graph.node("Concat", {"batch", "minus"}, {"wanted"}), "axis", 0);
  test::set_tensor(graph.node("ConstantOfShape", {"two"}, {"ones"}), "value",
                   int64_tensor("", {1}, std::vector<int64_t>{1}));
  graph.node("Mul", {"ones", "minus"}, {"minus_ones"});
  graph.node("Equal", {"wanted", "minus_ones"}, {"is_minus"});
  graph.node("Where", {"is_minus", "ones", "wanted"}, {"target"});
  graph.node("Expand", {"p", "target"}, {"y"});
  trace(made);
  EXPECT_THAT(entries("target"), ElementsAre("ids.0", "1"));
  EXPECT_THAT(dims("y"), ElementsAre("ids.0", "p.1"));
}

TEST_F(DimTracing, CountsRangesThatBeginAnywhere) {
  TestModel made;
  auto graph = made.main();
  graph.input("ids", kInt64, {-1, -1}).input("past", kFloat, {-1, 8}).output("y");
  graph.int64s("zero", {}, {0}).int64s("one", {}, {1}).int64s("axes", {2}, {0, 2});
  graph.node("Shape", {"ids"}, {"shape"});
  graph.node("Gather", {"shape", "one"}, {"length"});
  graph.node("Shape", {"past"}, {"past_shape"});
  graph.node("Gather", {"past_shape", "zero"}, {"seen"});
  graph.node("Add", {"seen", "length"}, {"end"});
  graph.node("Range", {"seen", "end", "one"}, {"positions"});
  graph.node("Range", {"one", "length", "one"}, {"others"});
  graph.node("Unsqueeze", {"positions", "axes"}, {"y"});
  trace(made);
  EXPECT_THAT(dims("y"), ElementsAre("1", "ids.1", "1"));
  EXPECT_THAT(dims("others"), ElementsAre("others.0"));
}

TEST_F(DimTracing, SlicesAndTilesKeepWhatTheyLeaveAlone) {
  TestModel made;
  auto graph = made.main();
  graph.input("x", kFloat, {-1, -1, 1}).output("y").output("z");
  graph.int64s("first", {1}, {0}).int64s("end", {1}, {3}).int64s("axis", {1}, {1}).int64s("zero", {1}, {0});
  graph.int64s("one", {1}, {1});
  graph.node("Slice", {"x", "first", "end", "axis"}, {"y"});
  graph.node("Shape", {"x"}, {"shape"});
  graph.node("Gather", {"shape", "zero"}, {"batch"});
  test::set_int(graph.node("Concat", {"one", "one", "batch"}, {"repeats"}), "axis", 0);
  graph.node("Tile", {"x", "repeats"}, {"z"});
  trace(made);
  EXPECT_THAT(dims("y"), ElementsAre("x.0", "y.1", "1"));
  EXPECT_THAT(dims("z"), ElementsAre("x.0", "x.1", "x.0"));
}

}  // namespace
}  // namespace vetquant
