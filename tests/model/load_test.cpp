#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <fstream>

#include "load_fixture.h"

namespace vetquant {
namespace {

using test::floats_of;
using test::kFloat;
using test::message_field;
using test::random_floats;
using test::TestModel;
using test::varint_field;
using test::view_of;
using testing::HasSubstr;

using Load = test::Loaded;

TEST_F(Load, LargeTensorsBecomeMarksAndSmallOnesStay) {
  TestModel made;
  const auto values = random_floats(257, 1);
  made.main().floats("at_limit", {256}, std::span(values).first(256)).floats("above", {257}, values);
  const auto model = load(made);
  const auto& graph = model->skeleton().graph();
  EXPECT_EQ(graph.initializer(0).raw_data().size(), 1024u);
  EXPECT_EQ(mark_of(graph.initializer(1), kPayloadMark), 0);
  EXPECT_FALSE(graph.initializer(1).has_raw_data());
  EXPECT_EQ(graph.initializer(1).data_location(), onnx::TensorProto::EXTERNAL);
  EXPECT_EQ(floats_of(view_of(*model, "above")), values);
  EXPECT_EQ(model->file_bytes(), made.bytes().size());
  EXPECT_EQ(model->external_bytes(), 0u);
}

TEST_F(Load, TensorsAreFoundInEveryPlaceThatHoldsThem) {
  TestModel made;
  const auto values = random_floats(300, 2);
  auto graph = made.main();
  graph.constant("c", test::float_tensor("", {300}, values));
  auto& decide = graph.node("If", {"cond"}, {"y"}, "decide");
  test::subgraph(decide, "then_branch").floats("inner", {300}, values);
  auto& many = graph.node("Odd", {}, {"z"}, "", "my.domain");
  auto& tensors = *many.add_attribute();
  tensors.set_name("tensors");
  tensors.set_type(onnx::AttributeProto::TENSORS);
  *tensors.add_tensors() = test::float_tensor("t0", {300}, values);
  *tensors.add_tensors() = test::float_tensor("t1", {300}, values);
  auto& function = made.function("f", "g", {"x"}, {"y"});
  auto& constant = test::add_node(function, "Constant", {}, {"k"});
  test::set_tensor(constant, "value", test::float_tensor("", {300}, values));
  auto& sparse = *made.proto().mutable_graph()->add_sparse_initializer();
  *sparse.mutable_values() = test::float_tensor("s", {300}, values);
  *sparse.mutable_indices() = test::int64_tensor("s_indices", {300}, std::vector<int64_t>(300, 1));
  sparse.add_dims(1000);
  auto& training = *made.proto().add_training_info()->mutable_initialization();
  *training.add_initializer() = test::float_tensor("trained", {300}, values);
  const auto model = load(made);
  const auto& main = model->skeleton().graph();
  EXPECT_GE(mark_of(main.node(0).attribute(0).t(), kPayloadMark), 0);
  EXPECT_GE(mark_of(main.node(1).attribute(0).g().initializer(0), kPayloadMark), 0);
  EXPECT_GE(mark_of(main.node(2).attribute(0).tensors(1), kPayloadMark), 0);
  EXPECT_GE(mark_of(model->skeleton().functions(0).node(0).attribute(0).t(), kPayloadMark), 0);
  EXPECT_GE(mark_of(main.sparse_initializer(0).values(), kPayloadMark), 0);
  EXPECT_GE(mark_of(main.sparse_initializer(0).indices(), kPayloadMark), 0);
  EXPECT_GE(mark_of(model->skeleton().training_info(0).initialization().initializer(0), kPayloadMark), 0);
  EXPECT_EQ(floats_of(TensorView(model->stored(main.node(2).attribute(0).tensors(1), "t1"))), values);
  EXPECT_LT(model->skeleton().ByteSizeLong(), 1500u);
}

TEST_F(Load, LongNumberListsOfConstantsBecomeTensors) {
  TestModel made;
  auto& floats = made.main().node("Constant", {}, {"f"});
  auto& list = *floats.add_attribute();
  list.set_name("value_floats");
  list.set_type(onnx::AttributeProto::FLOATS);
  const auto values = random_floats(300, 3);
  for (float value : values) list.add_floats(value);
  std::vector<int64_t> numbers(200);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int64_t>(i) * 1000 - 7;
  test::set_ints(made.main().node("Constant", {}, {"i"}), "value_ints", numbers);
  test::set_ints(made.main().node("Constant", {}, {"short"}), "value_ints", {1, 2});
  test::set_ints(made.main().node("Other", {}, {"o"}, "", "my"), "value_ints", numbers);
  const auto model = load(made);
  const auto& graph = model->skeleton().graph();
  ASSERT_NE(constant_tensor(graph.node(0)), nullptr);
  EXPECT_EQ(floats_of(TensorView(model->stored(*constant_tensor(graph.node(0)), "f"))), values);
  ASSERT_NE(constant_tensor(graph.node(1)), nullptr);
  EXPECT_EQ(test::ints_of(TensorView(model->stored(*constant_tensor(graph.node(1)), "i"))), numbers);
  EXPECT_EQ(graph.node(2).attribute(0).ints_size(), 2);
  EXPECT_EQ(graph.node(3).attribute(0).ints_size(), 200) << "only Constant's lists are tensors";
}

TEST_F(Load, EverythingElseOfTheModelIsKept) {
  TestModel made;
  made.proto().set_doc_string("what it is for");
  auto* meta = made.proto().add_metadata_props();
  meta->set_key("author");
  meta->set_value("someone");
  auto graph = made.main();
  graph.input("x", kFloat, {-1, 3}).output("y", kFloat, {-1, 3});
  graph.proto().mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(0)->set_dim_param(
      "N");
  auto& node = graph.node("Odd", {"x"}, {"y"}, "n", "my.domain");
  test::set_float(node, "alpha", 0.5f);
  test::set_string(node, "mode", "fast");
  auto* note = graph.proto().add_quantization_annotation();
  note->set_tensor_name("x");
  note->add_quant_parameter_tensor_names()->set_key("SCALE_TENSOR");
  const auto model = load(made);
  EXPECT_EQ(model->skeleton().SerializeAsString(), made.bytes());
}

TEST_F(Load, UnknownFieldsOfTheFileAreKept) {
  TestModel made;
  const std::string extra = message_field(900, "of tomorrow");
  const auto model = load(made.bytes() + extra);
  EXPECT_EQ(model->skeleton().SerializeAsString(), made.bytes() + extra);
}

TEST_F(Load, EmittedTensorsWithTypedDataAreDecoded) {
  TestModel made;
  const auto model = load(made);
  onnx::TensorProto tensor;
  tensor.set_data_type(onnx::TensorProto::FLOAT16);
  tensor.add_dims(2);
  tensor.add_int32_data(0x3c00);
  tensor.add_int32_data(0x4000);
  EXPECT_THAT(floats_of(TensorView(model->stored(tensor, "t"))), testing::ElementsAre(1.0f, 2.0f));
}

TEST_F(Load, MarksCanBeSetAndRead) {
  onnx::TensorProto tensor = test::float_tensor("w", {1}, std::vector<float>{1});
  EXPECT_EQ(mark_of(tensor, kDeclaredMark), -1);
  set_mark(tensor, kDeclaredMark, 7);
  EXPECT_EQ(mark_of(tensor, kDeclaredMark), 7);
  EXPECT_EQ(mark_of(tensor, kPayloadMark), -1);
  EXPECT_FALSE(tensor.has_raw_data());
}

TEST_F(Load, AFileThatShrinksIsAnErrorNotACrash) {
  TestModel made;
  made.main().floats("w", {4000}, random_floats(4000, 4));
  const auto path = folder_.write("model.onnx", made);
  const auto model = Model::load(path);
  const TensorView view = view_of(*model, "w");
  std::filesystem::resize_file(path, 5000);
  const Error error = test::error_of([&] { floats_of(view); });
  EXPECT_EQ(error.code(), ErrorCode::kIo);
  EXPECT_THAT(error.what(), HasSubstr("changed while it was read"));
  EXPECT_EQ(test::error_of([&] { model->check_unchanged(); }).code(), ErrorCode::kIo);
}

TEST_F(Load, AVarintStreamThatChangesIsAnErrorOfTheFile) {
  std::string fields = varint_field(1, 2000) + varint_field(2, 7);
  std::string data;
  for (int i = 0; i < 2000; ++i) append_varint(data, 1000);
  const std::string bytes = test::model_with_tensor(fields + message_field(7, data));
  const auto path = folder_.write("model.onnx", bytes);
  const auto model = Model::load(path);
  folder_.write("model.onnx", std::string(bytes.size(), '\xff'));
  EXPECT_EQ(test::error_of([&] { test::ints_of(view_of(*model, "w")); }).code(), ErrorCode::kIo);
}

TEST_F(Load, DigestCoversModelAndExternalFiles) {
  TestModel made;
  made.main().initializer(test::external_tensor("w", kFloat, {512}, "weights.bin"));
  folder_.write("weights.bin", std::string(2048, 'a'));
  const std::atomic<bool> abandoned{true};
  EXPECT_EQ(load(made)->digest(&abandoned), "");
  const std::string before = load(made)->digest();
  EXPECT_EQ(before.size(), 32u);
  EXPECT_EQ(load(made)->digest(), before);
  folder_.write("weights.bin", std::string(2047, 'a') + "b");
  EXPECT_NE(load(made)->digest(), before);
}

long resident_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// A sparse file: its payload takes no disk. Reading it would take seconds and gigabytes; loading takes neither.
TEST_F(Load, TwoAndAHalfGigabytesInOneFileAreNotRead) {
  const uint64_t elements = 640'000'000, bytes = elements * 4;
  std::string tensor = message_field(8, "huge") + varint_field(1, elements) + varint_field(2, 1);
  append_tag(tensor, 9, WireType::kBytes);
  append_varint(tensor, bytes);
  std::string graph = message_field(2, "g");
  append_tag(graph, 5, WireType::kBytes);
  append_varint(graph, tensor.size() + bytes);
  graph += tensor;
  std::string file = varint_field(1, 8);
  append_tag(file, 7, WireType::kBytes);
  append_varint(file, graph.size() + bytes);
  file += graph;
  const auto path = folder_.write("huge.onnx", file);
  std::filesystem::resize_file(path, file.size() + bytes);
  const long before = resident_kib();
  const auto model = Model::load(path);
  const TensorView view = view_of(*model, "huge");
  std::vector<float> last(3, 1.0f);
  read_floats(view, {{static_cast<int64_t>(elements) - 3}, {3}}, last);
  EXPECT_THAT(last, testing::ElementsAre(0, 0, 0));
  EXPECT_LT(resident_kib() - before, 16 * 1024);
  EXPECT_LT(model->skeleton().ByteSizeLong(), 100u);
}

TEST_F(Load, FourGigabytesOfExternalDataAreNotRead) {
  TestModel made;
  const int64_t elements = 1ll << 30;
  made.main().initializer(test::external_tensor("huge", kFloat, {elements}, "huge.bin", 4096, elements * 4));
  folder_.write("huge.bin", "");
  std::filesystem::resize_file(folder_.path() / "huge.bin", 4096 + static_cast<uint64_t>(elements) * 4);
  const long before = resident_kib();
  const auto model = load(made);
  std::vector<float> last(1, 1.0f);
  read_floats(view_of(*model, "huge"), {{elements - 1}, {1}}, last);
  EXPECT_EQ(last[0], 0.0f);
  EXPECT_EQ(model->external_bytes(), 4096 + static_cast<uint64_t>(elements) * 4);
  EXPECT_LT(resident_kib() - before, 16 * 1024);
}

TEST_F(Load, TenThousandTensorsAreEachInTheirPlace) {
  TestModel made;
  for (int i = 0; i < 10'000; ++i) {
    made.main().floats("w" + std::to_string(i), {300}, random_floats(300, static_cast<uint64_t>(i)));
  }
  const auto model = load(made);
  ASSERT_EQ(model->skeleton().graph().initializer_size(), 10'000);
  EXPECT_EQ(floats_of(view_of(*model, "w9999")), random_floats(300, 9999));
  EXPECT_EQ(floats_of(view_of(*model, "w5000")), random_floats(300, 5000));
}

}  // namespace
}  // namespace vetquant
