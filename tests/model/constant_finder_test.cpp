#include "load_fixture.h"

namespace vetquant {
namespace {

using test::floats_of;
using test::ints_of;
using test::kFloat;
using test::kInt64;
using test::random_floats;
using test::set_int;
using test::set_ints;
using test::TestModel;
using testing::ElementsAre;

class Constants : public test::Loaded {
 protected:
  void index(const TestModel& made) {
    model_ = load(made);
    index_ = std::make_unique<GraphIndex>(model_->skeleton());
    finder_ = std::make_unique<ConstantFinder>(*model_, *index_);
  }
  std::optional<TensorView> find(const std::string& address) const {
    return finder_->find(index_->find_value(address));
  }
  std::vector<std::string> chain(const std::string& address) const {
    std::vector<std::string> names;
    for (ValueId id : finder_->chain(index_->find_value(address))) names.push_back(index_->address(id));
    return names;
  }

  std::shared_ptr<const Model> model_;
  std::unique_ptr<GraphIndex> index_;
  std::unique_ptr<ConstantFinder> finder_;
};

TEST_F(Constants, AreInitializersAndConstantNodesOfEveryForm) {
  TestModel made;
  auto graph = made.main();
  graph.floats("w", {2}, std::vector<float>{1, 2});
  graph.constant("value", test::float_tensor("", {2}, std::vector<float>{3, 4}));
  test::set_float(graph.node("Constant", {}, {"value_float"}), "value_float", 5);
  set_int(graph.node("Constant", {}, {"value_int"}), "value_int", 6);
  set_ints(graph.node("Constant", {}, {"value_ints"}), "value_ints", {7, 8});
  auto& floats = *graph.node("Constant", {}, {"value_floats"}).add_attribute();
  floats.set_name("value_floats");
  floats.set_type(onnx::AttributeProto::FLOATS);
  floats.add_floats(9);
  test::set_string(graph.node("Constant", {}, {"value_string"}), "value_string", "text");
  index(made);
  EXPECT_THAT(floats_of(*find("w")), ElementsAre(1, 2));
  EXPECT_EQ(find("w")->describe(), "w");
  EXPECT_THAT(floats_of(*find("value")), ElementsAre(3, 4));
  EXPECT_THAT(floats_of(*find("value_float")), ElementsAre(5));
  EXPECT_TRUE(find("value_float")->shape().empty());
  EXPECT_THAT(ints_of(*find("value_int")), ElementsAre(6));
  EXPECT_THAT(ints_of(*find("value_ints")), ElementsAre(7, 8));
  EXPECT_THAT(floats_of(*find("value_floats")), ElementsAre(9));
  EXPECT_FALSE(find("value_string"));
}

TEST_F(Constants, InputsAndWhatIsComputedAreNone) {
  TestModel made;
  auto graph = made.main();
  graph.input("x", kFloat, {2}).input("o", kFloat, {2}).floats("o", {2}, std::vector<float>{1, 2});
  graph.node("Identity", {"x"}, {"a"});
  graph.node("Identity", {"o"}, {"b"});
  graph.constant("k", test::float_tensor("", {2}, std::vector<float>{3, 4}));
  graph.node("Add", {"k", "k"}, {"sum"});
  graph.node("Identity", {"k"}, {"foreign"}, "", "my.domain");
  index(made);
  EXPECT_FALSE(find("a"));
  EXPECT_FALSE(find("b")) << "a caller may override it";
  EXPECT_FALSE(find("sum"));
  EXPECT_FALSE(find("foreign"));
  EXPECT_TRUE(chain("sum").empty());
}

// How silero's exporter reorders the gates of an LSTM.
TEST_F(Constants, AreSeenThroughSliceConcatUnsqueeze) {
  TestModel made;
  auto graph = made.main();
  const auto values = random_floats(4 * 300, 1);
  graph.constant("w", test::float_tensor("", {4, 300}, values));
  graph.int64s("zero", {1}, {0}).int64s("one", {1}, {1}).int64s("end", {1}, {1ll << 40}).int64s("minus", {1}, {-1});
  graph.node("Slice", {"w", "zero", "one", "zero"}, {"i"});
  graph.node("Slice", {"w", "minus", "end", "zero"}, {"o"});
  graph.node("Slice", {"w", "one", "minus", "zero"}, {"fc"});
  set_int(graph.node("Concat", {"i", "o", "fc"}, {"iofc"}), "axis", 0);
  graph.node("Unsqueeze", {"iofc", "zero"}, {"gates"});
  index(made);
  const auto view = find("gates");
  ASSERT_TRUE(view);
  EXPECT_THAT(view->shape(), ElementsAre(1, 4, 300));
  std::vector<float> expected;
  for (const size_t row : {0, 3, 1, 2})
    expected.insert(expected.end(), values.begin() + static_cast<long>(row) * 300,
                    values.begin() + static_cast<long>(row + 1) * 300);
  EXPECT_EQ(floats_of(*view), expected);
  EXPECT_THAT(chain("gates"), ElementsAre("w", "i", "o", "fc", "iofc", "gates"));
}

TEST_F(Constants, TransposedTableIsAViewOfTheTable) {
  TestModel made;
  const auto values = random_floats(20 * 30, 2);
  made.main().floats("embed", {20, 30}, values);
  made.main().node("Identity", {"embed"}, {"same"});
  set_ints(made.main().node("Transpose", {"same"}, {"head"}), "perm", {1, 0});
  made.main().node("Transpose", {"head"}, {"back"});
  index(made);
  EXPECT_EQ(find("head")->describe(), "transpose(embed)");
  EXPECT_TRUE(find("back")->is_whole_tensor());
  EXPECT_TRUE(find("back")->same_data(*find("embed")));
}

TEST_F(Constants, ReshapesOfOldAndNewOpsets) {
  TestModel made;
  auto graph = made.main();
  graph.floats("w", {2, 3, 4}, random_floats(24, 3)).int64s("s0", {2}, {0, -1}).int64s("s1", {3}, {4, 3, 2});
  graph.int64s("bad", {2}, {-1, -1});
  graph.node("Reshape", {"w", "s0"}, {"a"});
  graph.node("Reshape", {"w", "s1"}, {"b"});
  set_ints(graph.node("Reshape", {"w"}, {"c"}), "shape", {6, 4});
  graph.node("Reshape", {"w", "bad"}, {"d"});
  set_int(graph.node("Flatten", {"w"}, {"e"}), "axis", -1);
  set_ints(graph.node("Unsqueeze", {"w"}, {"f"}), "axes", {0, -1});
  set_ints(graph.node("Squeeze", {"f"}, {"g"}), "axes", {0, 4});
  graph.node("Squeeze", {"f"}, {"h"});
  set_ints(graph.node("Squeeze", {"w"}, {"i"}), "axes", {1});
  index(made);
  EXPECT_THAT(find("a")->shape(), ElementsAre(2, 12));
  EXPECT_THAT(find("b")->shape(), ElementsAre(4, 3, 2));
  EXPECT_THAT(find("c")->shape(), ElementsAre(6, 4));
  EXPECT_FALSE(find("d"));
  EXPECT_THAT(find("e")->shape(), ElementsAre(6, 4));
  EXPECT_THAT(find("f")->shape(), ElementsAre(1, 2, 3, 4, 1));
  EXPECT_THAT(find("g")->shape(), ElementsAre(2, 3, 4));
  EXPECT_THAT(find("h")->shape(), ElementsAre(2, 3, 4));
  EXPECT_FALSE(find("i")) << "a dimension of 3 cannot be squeezed";
}

TEST_F(Constants, SlicesAreClampedAsTheOperatorSays) {
  TestModel made(9);
  auto graph = made.main();
  graph.floats("w", {5}, std::vector<float>{0, 1, 2, 3, 4});
  const auto slice = [&](const std::string& name, int64_t start, int64_t end) {
    auto& node = graph.node("Slice", {"w"}, {name});
    set_ints(node, "starts", {start});
    set_ints(node, "ends", {end});
    set_ints(node, "axes", {0});
  };
  slice("all", -100, 100);
  slice("tail", -2, std::numeric_limits<int64_t>::max());
  slice("none", 3, 2);
  graph.int64s("from", {1}, {-1}).int64s("to", {1}, {std::numeric_limits<int64_t>::min()}).int64s("axis", {1}, {-1});
  graph.int64s("step", {1}, {-2}).int64s("least", {1}, {std::numeric_limits<int64_t>::min()});
  graph.node("Slice", {"w", "from", "to", "axis", "step"}, {"backwards"});
  graph.node("Slice", {"w", "from", "to", "axis", "least"}, {"one"});
  index(made);
  EXPECT_THAT(floats_of(*find("all")), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(floats_of(*find("tail")), ElementsAre(3, 4));
  EXPECT_EQ(find("none")->elements(), 0u);
  EXPECT_THAT(floats_of(*find("backwards")), ElementsAre(4, 2, 0));
  EXPECT_THAT(floats_of(*find("one")), ElementsAre(4));
}

TEST_F(Constants, CastBetweenFloatsIsAViewOthersAreNot) {
  TestModel made;
  made.main().floats("w", {2}, std::vector<float>{1, 0.1f}).int64s("n", {1}, {3});
  const auto cast = [&](const std::string& from, const std::string& to, int32_t type) {
    set_int(made.main().node("Cast", {from}, {to}), "to", type);
  };
  cast("w", "half", onnx::TensorProto::FLOAT16);
  cast("half", "again", kFloat);
  cast("w", "int", kInt64);
  cast("n", "float", kFloat);
  cast("n", "same", kInt64);
  index(made);
  EXPECT_EQ(find("half")->dtype(), DType::kFloat16);
  EXPECT_FALSE(find("again")) << "a view remembers one rounding";
  EXPECT_FALSE(find("int"));
  EXPECT_FALSE(find("float"));
  EXPECT_THAT(ints_of(*find("same")), ElementsAre(3));
}

TEST_F(Constants, BranchesSeeOuterConstants) {
  TestModel made;
  made.main().input("c", onnx::TensorProto::BOOL, {}).floats("w", {400}, random_floats(400, 4));
  auto& decide = made.main().node("If", {"c"}, {"y"}, "decide");
  auto branch = test::subgraph(decide, "then_branch");
  branch.node("Identity", {"w"}, {"inner"});
  branch.output("inner");
  index(made);
  EXPECT_EQ(find("/decide/then_branch/inner")->describe(), "w");
  EXPECT_THAT(chain("/decide/then_branch/inner"), ElementsAre("w", "/decide/then_branch/inner"));
}

TEST_F(Constants, InFunctionsOnlyLiteralsAreConstant) {
  TestModel made;
  auto& function = made.function("d", "F", {"p"}, {"b"});
  test::set_tensor(test::add_node(function, "Constant", {}, {"k"}), "value",
                   test::float_tensor("", {2, 3}, random_floats(6, 5)));
  test::add_node(function, "Transpose", {"k"}, {"a"});
  auto& open = test::add_node(function, "Transpose", {"k"}, {"b"});
  auto& perm = *open.add_attribute();
  perm.set_name("perm");
  perm.set_type(onnx::AttributeProto::INTS);
  perm.set_ref_attr_name("order");
  test::add_node(function, "Identity", {"p"}, {"c"});
  index(made);
  EXPECT_TRUE(find("d::F/a"));
  EXPECT_FALSE(find("d::F/b")) << "the order is known only where the function is called";
  EXPECT_FALSE(find("d::F/c"));
}

TEST_F(Constants, ConcatsOfConcatsDoNotExplode) {
  TestModel made;
  made.main().floats("x0", {1}, std::vector<float>{1});
  for (int i = 0; i < 40; ++i) {
    const std::string from = "x" + std::to_string(i), to = "x" + std::to_string(i + 1);
    set_int(made.main().node("Concat", {from, from}, {to}), "axis", 0);
  }
  index(made);
  EXPECT_EQ(find("x10")->elements(), 1024u);
  EXPECT_FALSE(find("x40"));
}

TEST_F(Constants, AHundredThousandIdentitiesAreNoStackOverflow) {
  TestModel made;
  made.main().floats("x0", {1}, std::vector<float>{1});
  for (int i = 0; i < 100'000; ++i) {
    made.main().node("Identity", {"x" + std::to_string(i)}, {"x" + std::to_string(i + 1)});
  }
  index(made);
  EXPECT_THAT(floats_of(*find("x100000")), ElementsAre(1));
  EXPECT_EQ(chain("x100000").size(), 100'001u);
}

}  // namespace
}  // namespace vetquant
