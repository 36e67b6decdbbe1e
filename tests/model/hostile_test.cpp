// Files that want to harm. Each must end in one line of Error{kBadModel}, quickly and within bounded memory.
#include <cstdlib>

#include "load_fixture.h"
#include "support/memory_file.h"

namespace vetquant {
namespace {

using test::kFloat;
using test::message_field;
using test::random_floats;
using test::TestModel;
using test::varint_field;
using testing::HasSubstr;

using Hostile = test::Loaded;

// A model with every kind of message that the loader descends into.
TestModel rich_model() {
  TestModel made;
  auto graph = made.main();
  graph.input("x", kFloat, {-1, 20}).input("cond", onnx::TensorProto::BOOL, {}).output("y", kFloat, {-1, 20});
  graph.floats("w", {20, 20}, random_floats(400, 1)).int64s("shape", {2}, {-1, 20});
  graph.node("MatMul", {"x", "w"}, {"a"}, "fc");
  auto& decide = graph.node("If", {"cond"}, {"y"}, "decide");
  auto then_branch = test::subgraph(decide, "then_branch");
  then_branch.node("Reshape", {"a", "shape"}, {"b"});
  then_branch.output("b");
  auto else_branch = test::subgraph(decide, "else_branch");
  else_branch.constant("k", test::float_tensor("", {300}, random_floats(300, 2)));
  else_branch.node("F", {"a"}, {"c"}, "call", "local");
  else_branch.output("c");
  made.import_domain("local", 1);
  auto& function = made.function("local", "F", {"p"}, {"q"});
  test::add_node(function, "Relu", {"p"}, {"q"});
  return made;
}

// Whatever a file holds: it is loaded, indexed and read, or refused.
void use(const std::filesystem::path& path) {
  const auto model = Model::load(path);
  const GraphIndex index(model->skeleton());
  const ConstantFinder constants(*model, index);
  for (size_t v = 0; v < index.values().size(); ++v) constants.find(ValueId{static_cast<int32_t>(v)});
}

TEST_F(Hostile, TruncatedAtEveryByteIsRefusedOrSmaller) {
  const std::string bytes = rich_model().bytes();
  ASSERT_NO_THROW(use(folder_.write("whole.onnx", bytes)));
  int refused = 0;
  for (size_t length = 0; length < bytes.size(); ++length) {
    const test::MemoryFile file(std::string_view(bytes).substr(0, length));
    try {
      use(file.path());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadModel) << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      ++refused;
    }
  }
  // What may be cut off unnoticed is whole trailing messages (functions, opset_import).
  EXPECT_GE(refused, static_cast<int>(bytes.size()) - 10);
}

TEST_F(Hostile, EveryByteFlippedIsRefusedOrHarmless) {
  const std::string bytes = rich_model().bytes();
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (const char change : {'\x01', '\x80', '\xff'}) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ change);
      const test::MemoryFile file(flipped);
      try {
        use(file.path());
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kBadModel) << error.what();
      }
    }
  }
}

TEST_F(Hostile, NoModelAtAllIsRefused) {
  EXPECT_THAT(refusal("").message(), HasSubstr("it has no graph"));
  EXPECT_EQ(refusal("hello, world\n").code(), ErrorCode::kBadModel);
  EXPECT_EQ(refusal(std::string(100, '\0')).code(), ErrorCode::kBadModel);
  EXPECT_EQ(refusal("<html><body>404</body></html>").code(), ErrorCode::kBadModel);
  EXPECT_EQ(test::error_of([&] { Model::load(folder_.path()); }).code(), ErrorCode::kBadModel) << "a folder";
  EXPECT_EQ(test::error_of([&] { Model::load("/dev/zero"); }).code(), ErrorCode::kBadModel);
}

TEST_F(Hostile, LengthsThatOverflowAreRefused) {
  for (const uint64_t length :
       {uint64_t{1000}, uint64_t{1} << 31, uint64_t{1} << 32, uint64_t{1} << 63, ~uint64_t{0}}) {
    std::string bytes = varint_field(1, 8);
    append_tag(bytes, 7, WireType::kBytes);
    append_varint(bytes, length);
    EXPECT_THAT(refusal(bytes + "abc").message(), HasSubstr("is longer than what is left of its message (3)"));
  }
}

// Graph in attribute in node in graph ...
std::string nested_graphs(int depth) {
  std::string graph = message_field(2, "g");
  for (int i = 0; i < depth; ++i) {
    const std::string attribute = message_field(1, "body") + message_field(6, graph) + varint_field(20, 5);
    graph = message_field(1, message_field(4, "Loop") + message_field(5, attribute));
  }
  return varint_field(1, 8) + message_field(7, graph);
}

TEST_F(Hostile, TenThousandNestedGraphsAreRefused) {
  const Error error = refusal(nested_graphs(10'000));
  EXPECT_EQ(error.code(), ErrorCode::kBadModel);
  EXPECT_THAT(error.message(), HasSubstr("nested more than 100 messages deep"));
}

TEST_F(Hostile, NestingUpToWhatRuntimesReadIsAccepted) {
  const auto model = load(nested_graphs(32));
  EXPECT_EQ(GraphIndex(model->skeleton()).scopes().size(), 33u);
  EXPECT_EQ(refusal(nested_graphs(33)).code(), ErrorCode::kBadModel);
}

TEST_F(Hostile, TenThousandNestedTypesAreRefused) {
  std::string type;
  for (int i = 0; i < 10'000; ++i) type = message_field(4, message_field(1, type));
  const std::string input = message_field(11, message_field(1, "x") + message_field(2, type));
  EXPECT_THAT(refusal(message_field(7, input)).message(), HasSubstr("nested more than 100 messages deep"));
}

TEST_F(Hostile, GroupsAreRefused) {
  std::string groups;
  for (int i = 0; i < 10'000; ++i) groups += '\x0b';
  EXPECT_THAT(refusal(message_field(7, groups)).message(), HasSubstr("unknown wire type 3"));
}

TEST_F(Hostile, MessagesThatProtobufWouldMergeAreRefused) {
  const std::string graph = message_field(7, message_field(2, "g"));
  EXPECT_THAT(refusal(graph + graph).message(), HasSubstr("the field 'graph' appears twice"));
  const std::string tensor = message_field(5, varint_field(1, 0) + varint_field(2, 1));
  const std::string node =
      message_field(1, message_field(4, "Constant") + message_field(5, message_field(1, "value") + tensor + tensor));
  EXPECT_THAT(refusal(message_field(7, node)).message(), HasSubstr("the field 't' appears twice"));
}

TEST_F(Hostile, ManyTinyMessagesAreRefusedBeforeTheyFillTheMemory) {
  // 20 million empty nodes in 40 MB would be gigabytes of objects.
  std::string graph;
  graph.reserve(40'000'000);
  for (int i = 0; i < 20'000'000; ++i) graph.append("\x0a\x00", 2);
  EXPECT_THAT(refusal(message_field(7, graph)).message(), HasSubstr("beyond the limit"));
}

TEST_F(Hostile, LongNamesAroundManyNodesAreRefused) {
  TestModel made;
  made.main().input("c", onnx::TensorProto::BOOL, {});
  auto& decide = made.main().node("If", {"c"}, {"y"}, std::string(1'000'000, 'n'));
  auto branch = test::subgraph(decide, "then_branch");
  for (int i = 0; i < 500; ++i) branch.node("Relu", {"c"}, {"r" + std::to_string(i)});
  const auto model = load(made);
  EXPECT_THAT(test::error_of([&] { GraphIndex(model->skeleton()); }).message(), HasSubstr("names that are too long"));
}

TEST_F(Hostile, TheSharedHostileModelsAreRefused) {
  const char* root = std::getenv("VETQUANT_REAL_MODELS");
  if (root == nullptr) GTEST_SKIP() << "VETQUANT_REAL_MODELS is not set";
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(root) / "hostile")) {
    if (entry.path().extension() != ".onnx") continue;
    const Error error = test::error_of([&] { use(entry.path()); });
    EXPECT_EQ(error.code(), ErrorCode::kBadModel) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 3);
}

}  // namespace
}  // namespace vetquant
