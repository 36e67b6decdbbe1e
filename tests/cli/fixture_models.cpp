#include "fixture_models.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "eval/language_support.h"
#include "support/model_builder.h"

namespace vetquant::test {
namespace {

namespace fs = std::filesystem;

void write_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  if (!out.write(bytes.data(), static_cast<std::streamsize>(bytes.size())))
    throw std::runtime_error("cannot write " + path.string());
}

size_t count_of(const Dims& dims) {
  size_t count = 1;
  for (const int64_t dim : dims) count *= static_cast<size_t>(dim);
  return count;
}

void weight(GraphHandle graph, const std::string& name, const Dims& dims, uint64_t seed) {
  graph.floats(name, dims, random_floats(count_of(dims), seed));
}

// Two layers and a bias: MatMul, Gemm.
TestModel mlp() {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {-1, 64}).output("y", kFloat, {-1, 64});
  weight(graph, "encoder.fc1.weight", {64, 256}, 1);
  weight(graph, "encoder.fc1.bias", {256}, 2);
  weight(graph, "encoder.fc2.weight", {256, 64}, 3);
  weight(graph, "encoder.fc2.bias", {64}, 4);
  graph.node("MatMul", {"x", "encoder.fc1.weight"}, {"fc1"}, "/encoder/fc1/MatMul");
  graph.node("Add", {"fc1", "encoder.fc1.bias"}, {"fc1_biased"}, "/encoder/fc1/Add");
  graph.node("Relu", {"fc1_biased"}, {"relu"}, "/encoder/act/Relu");
  graph.node("Gemm", {"relu", "encoder.fc2.weight", "encoder.fc2.bias"}, {"y"}, "/encoder/fc2/Gemm");
  return model;
}

// A language model's skeleton: a table that is looked up, and stored once more, transposed, as the head.
TestModel tied() {
  TestModel model;
  GraphHandle graph = model.main();
  const int64_t vocabulary = 512, width = 64;
  graph.input("ids", kInt64, {1, -1}).output("logits", kFloat, {1, -1, vocabulary});
  const std::vector<float> table = random_floats(static_cast<size_t>(vocabulary * width), 5);
  std::vector<float> head(table.size());
  for (size_t row = 0; row < static_cast<size_t>(vocabulary); ++row) {
    for (size_t column = 0; column < static_cast<size_t>(width); ++column) {
      head[column * static_cast<size_t>(vocabulary) + row] = table[row * static_cast<size_t>(width) + column];
    }
  }
  graph.floats("embed.weight", {vocabulary, width}, table).floats("lm_head.weight", {width, vocabulary}, head);
  weight(graph, "fc.weight", {width, width}, 6);
  graph.node("Gather", {"embed.weight", "ids"}, {"embedded"}, "/embed/Gather");
  graph.node("MatMul", {"embedded", "fc.weight"}, {"hidden"}, "/fc/MatMul");
  graph.node("MatMul", {"hidden", "lm_head.weight"}, {"logits"}, "/lm_head/MatMul");
  return model;
}

// What an exporter leaves between two products: a node that does nothing, and a shape computed anew in each run.
TestModel exported() {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {-1, 64}).output("y", kFloat, {-1, 8, 8});
  weight(graph, "fc.weight", {64, 64}, 16);
  const std::vector<int64_t> first = {0}, sides = {8, 8};
  graph.int64s("first", {1}, first).int64s("sides", {2}, sides);
  graph.node("MatMul", {"x", "fc.weight"}, {"product"}, "/fc/MatMul");
  graph.node("Identity", {"product"}, {"same"}, "/Identity");
  graph.node("Shape", {"same"}, {"shape"}, "/Shape");
  graph.node("Gather", {"shape", "first"}, {"batch"}, "/Gather");
  set_int(graph.node("Concat", {"batch", "sides"}, {"wanted"}, "/Concat"), "axis", 0);
  graph.node("Reshape", {"same", "wanted"}, {"y"}, "/Reshape");
  return model;
}

void branch_of(onnx::NodeProto& decide, const std::string& branch, const std::string& own_weight, uint64_t seed) {
  GraphHandle graph = subgraph(decide, branch);
  weight(graph, own_weight, {64, 64}, seed);
  graph.node("MatMul", {"x", "shared.weight"}, {branch + "_shared"}, "shared/MatMul");
  graph.node("MatMul", {branch + "_shared", own_weight}, {branch + "_y"}, "own/MatMul");
  graph.output(branch + "_y", kFloat, {-1, 64});
}

// Both branches of an If use a weight of the outer graph and one of their own.
TestModel branches() {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {-1, 64}).input("cached", onnx::TensorProto::BOOL, {}).output("y", kFloat, {-1, 64});
  weight(graph, "shared.weight", {64, 64}, 7);
  onnx::NodeProto& decide = graph.node("If", {"cached"}, {"y"}, "decide");
  branch_of(decide, "then_branch", "then.weight", 8);
  branch_of(decide, "else_branch", "else.weight", 9);
  return model;
}

TestModel convolution() {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("sound", kFloat, {1, 16, -1}).output("features", kFloat, {1, 32, -1});
  weight(graph, "conv.weight", {32, 16, 3}, 10);
  onnx::NodeProto& conv = graph.node("Conv", {"sound", "conv.weight"}, {"features"}, "/stem/Conv");
  set_ints(conv, "kernel_shape", {3});
  set_ints(conv, "pads", {1, 1});
  return model;
}

// Nothing in it is worth quantizing.
TestModel tiny() {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {1, 4}).output("y", kFloat, {1, 4});
  weight(graph, "w", {4, 4}, 11);
  graph.node("MatMul", {"x", "w"}, {"y"}, "fc");
  return model;
}

// Quantized already, an operator of a domain that nobody knows, an initializer that callers may override.
TestModel peculiar() {
  TestModel model;
  model.import_domain("com.example", 1);
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {1, 64}).input("adapter", kFloat, {64, 64}).output("y", kFloat, {1, 64});
  weight(graph, "adapter", {64, 64}, 12);
  weight(graph, "odd.weight", {64, 64}, 13);
  weight(graph, "plain.weight", {64, 64}, 14);
  graph.initializer(raw_tensor("codes", onnx::TensorProto::INT8, {64, 64}, std::string(64 * 64, '\x03')));
  const float scale = 0.01f;
  graph.floats("codes.scale", {}, {&scale, 1});
  graph.node("DequantizeLinear", {"codes", "codes.scale"}, {"dequantized"}, "dequantize");
  graph.node("MatMul", {"x", "dequantized"}, {"a"}, "quantized/MatMul");
  graph.node("MatMul", {"a", "adapter"}, {"b"}, "adapter/MatMul");
  graph.node("Frobnicate", {"b", "odd.weight"}, {"c"}, "odd", "com.example");
  graph.node("MatMul", {"c", "plain.weight"}, {"y"}, "plain/MatMul");
  return model;
}

void name_dim(GraphHandle graph, int input, int axis, const std::string& name) {
  auto& type = *graph.proto().mutable_input(input)->mutable_type()->mutable_tensor_type();
  type.mutable_shape()->mutable_dim(axis)->set_dim_param(name);
}

// Dimensions with names, and a Reshape whose target is computed from them.
TestModel shapes() {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {-1, -1, 64}).input("gain", kFloat, {-1, 1, 1}).output("y", kFloat, {-1, -1, 8, 8});
  name_dim(graph, 0, 0, "batch");
  name_dim(graph, 0, 1, "length");
  name_dim(graph, 1, 0, "batch");
  weight(graph, "w", {64, 64}, 16);
  graph.int64s("zero", {}, {0}).int64s("one", {}, {1}).int64s("axis", {1}, {0}).int64s("heads", {2}, {8, 8});
  graph.node("MatMul", {"x", "w"}, {"product"}, "/product");
  graph.node("Mul", {"product", "gain"}, {"scaled"}, "/gain");
  graph.node("Shape", {"scaled"}, {"shape"}, "/shape");
  graph.node("Gather", {"shape", "zero"}, {"batch"}, "/batch");
  graph.node("Gather", {"shape", "one"}, {"length"}, "/length");
  graph.node("Unsqueeze", {"batch", "axis"}, {"batch_1"}, "/batch_1");
  graph.node("Unsqueeze", {"length", "axis"}, {"length_1"}, "/length_1");
  set_int(graph.node("Concat", {"batch_1", "length_1", "heads"}, {"target"}, "/target"), "axis", 0);
  graph.node("Reshape", {"scaled", "target"}, {"y"}, "/reshape");
  return model;
}

// As mlp from outside, but its Loop turns for longer than anyone waits: a limit of the processor's time ends the process.
TestModel endless() {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {-1, 64}).output("y", kFloat, {-1, 64});
  graph.int64s("turns", {}, {int64_t{1} << 60});
  onnx::NodeProto& loop = graph.node("Loop", {"turns", "", "x"}, {"y"}, "forever");
  GraphHandle body = subgraph(loop, "body");
  body.input("turn", kInt64, {}).input("go_on", onnx::TensorProto::BOOL, {}).input("x_in", kFloat, {-1, 64});
  body.output("go_on_out", onnx::TensorProto::BOOL, {}).output("x_out", kFloat, {-1, 64});
  body.node("Identity", {"go_on"}, {"go_on_out"});
  body.node("Sin", {"x_in"}, {"x_out"});
  return model;
}

TestModel external(const std::string& location) {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {1, 64}).output("y", kFloat, {1, 64});
  graph.initializer(external_tensor("w", kFloat, {64, 64}, location, 0, 64 * 64 * 4));
  graph.node("MatMul", {"x", "w"}, {"y"}, "fc");
  return model;
}

// A CTC model that spells what the samples say: sample n stands for symbol n; with `slips` every 2 is heard as 1.
TestModel speller(int slips) {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("input_values", kFloat, {1, -1}).output("logits", kFloat, {1, -1, 4});
  std::vector<float> table = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
  if (slips) std::swap(table[9], table[10]);
  const float full_scale = 32768;
  graph.floats("table", {4, 4}, table).floats("full_scale", {1}, std::span(&full_scale, 1));
  graph.node("Mul", {"input_values", "full_scale"}, {"samples"}, "scale");
  set_int(graph.node("Cast", {"samples"}, {"symbols"}, "cast"), "to", kInt64);
  graph.node("Gather", {"table", "symbols"}, {"logits"}, "lookup");
  return model;
}

}  // namespace

void write_fixture_models(const fs::path& folder) {
  fs::create_directories(folder);
  write_bytes(folder / "mlp.onnx", mlp().bytes());
  write_bytes(folder / "tied.onnx", tied().bytes());
  write_bytes(folder / "exported.onnx", exported().bytes());
  write_bytes(folder / "branches.onnx", branches().bytes());
  write_bytes(folder / "convolution.onnx", convolution().bytes());
  write_bytes(folder / "tiny.onnx", tiny().bytes());
  write_bytes(folder / "peculiar.onnx", peculiar().bytes());
  write_bytes(folder / "shapes.onnx", shapes().bytes());
  write_bytes(folder / "endless.onnx", endless().bytes());
  write_bytes(folder / "external.onnx", external("external.weights").bytes());
  const onnx::TensorProto weights = float_tensor("w", {64, 64}, random_floats(64 * 64, 15));
  write_bytes(folder / "external.weights", weights.raw_data());
  write_bytes(folder / "escaping.onnx", external("../external.weights").bytes());
  write_bytes(folder / "bigram.onnx", bigram_model(b_follows_a()).bytes());
  write_bytes(folder / "uniform.onnx", bigram_model(std::vector<float>(16, 0)).bytes());
  write_bytes(folder / "four_tokens.json", kFourTokens);
  write_bytes(folder / "speller.onnx", speller(0).bytes());
  write_bytes(folder / "misspeller.onnx", speller(1).bytes());
  write_bytes(folder / "truncated.onnx", mlp().bytes().substr(0, 5000));
}

void write_sparse_model(const fs::path& path, int64_t bytes) {
  const fs::path weights = fs::path(path).replace_extension(".weights");
  const int64_t columns = 16384, row_bytes = columns * 4, rows = std::min<int64_t>(1024, bytes / row_bytes);
  const int64_t weight_bytes = rows * row_bytes, count = bytes / weight_bytes;
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {1, rows});
  for (int64_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    graph.output("y" + number, kFloat, {1, columns});
    graph.initializer(external_tensor("w" + number, kFloat, {rows, columns}, weights.filename().string(),
                                      i * weight_bytes, weight_bytes));
    graph.node("MatMul", {"x", "w" + number}, {"y" + number}, "fc" + number);
  }
  write_bytes(path, model.bytes());
  write_bytes(weights, {});
  fs::resize_file(weights, static_cast<uintmax_t>(count * weight_bytes));
}

}  // namespace vetquant::test
