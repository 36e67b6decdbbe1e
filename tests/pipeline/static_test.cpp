// Static quantization from policy to file: small networks whose ranges are measured here, run by ONNX Runtime before and after.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>

#include "small_model.h"
#include "support/error_of.h"
#include "vetquant/pipeline/processor.h"
#include "vetquant/policy/statistics_file.h"
#include "vetquant/runtime/session.h"

namespace vetquant::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr int kSamples = 8;

std::shared_ptr<const RuntimeLibrary> library() { return RuntimeLibrary::open(find_runtime_library()); }

size_t count_of(const Dims& dims) {
  size_t count = 1;
  for (const int64_t dim : dims) count *= static_cast<size_t>(dim);
  return count;
}

GraphHandle& weight(GraphHandle& graph, const std::string& name, const Dims& dims, uint64_t seed, float size = 1) {
  std::vector<float> values = random_floats(count_of(dims), seed);
  for (float& value : values) value *= size;
  return graph.floats(name, dims, values);
}

// Conv, BatchNormalization, Relu; a branch by MaxPool and one by Conv + Clip, joined; GlobalAveragePool, Flatten, Gemm.
TestModel network(int64_t opset) {
  TestModel model(opset, opset < 13 ? 6 : 8);
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {1, 3, 16, 16}).output("y", kFloat, {1, 10});
  weight(graph, "w1", {8, 3, 3, 3}, 1, 0.4F);
  weight(graph, "w2", {8, 8, 1, 1}, 2, 0.5F);
  weight(graph, "b2", {8}, 3);
  weight(graph, "fc", {16, 10}, 4);
  weight(graph, "fb", {10}, 5);
  graph.floats("scale", {8}, std::vector<float>(8, 1.5F)).floats("shift", {8}, random_floats(8, 6));
  graph.floats("mean", {8}, random_floats(8, 7)).floats("variance", {8}, std::vector<float>(8, 0.7F));
  set_ints(graph.node("Conv", {"x", "w1"}, {"c1"}, "conv1"), "pads", {1, 1, 1, 1});
  graph.node("BatchNormalization", {"c1", "scale", "shift", "mean", "variance"}, {"n1"}, "norm1");
  graph.node("Relu", {"n1"}, {"r1"}, "relu1");
  onnx::NodeProto& pool = graph.node("MaxPool", {"r1"}, {"p1"}, "pool1");
  set_ints(pool, "kernel_shape", {2, 2});
  set_ints(pool, "strides", {2, 2});
  graph.node("Conv", {"p1", "w2", "b2"}, {"c2"}, "conv2");
  graph.floats("zero", {}, std::vector<float>{0}).floats("most", {}, std::vector<float>{60});
  if (opset < 11) {
    onnx::NodeProto& clip = graph.node("Clip", {"c2"}, {"r2"}, "clip2");
    set_float(clip, "min", 0);
    set_float(clip, "max", 60);
  } else {
    graph.node("Clip", {"c2", "zero", "most"}, {"r2"}, "clip2");
  }
  set_int(graph.node("Concat", {"p1", "r2"}, {"j"}, "join"), "axis", 1);
  graph.node("GlobalAveragePool", {"j"}, {"g"}, "mean");
  graph.node("Flatten", {"g"}, {"f"}, "flat");
  graph.node("Gemm", {"f", "fc", "fb"}, {"y"}, "head");
  return model;
}

class Static : public testing::Test {
 protected:
  NamedTensor sample(uint64_t seed) const {
    const auto& input = model_.proto().graph().input(0);
    Dims dims;
    for (const auto& dim : input.type().tensor_type().shape().dim()) dims.push_back(dim.dim_value());
    return {input.name(), make_floats(dims, random_floats(count_of(dims), 100 + seed))};
  }

  // Every float value that a node makes.
  quant::ActivationStatistics measure() const {
    TestModel open = model_;
    Names names;
    for (const auto& node : model_.proto().graph().node()) {
      for (const std::string& output : node.output()) {
        if (output != model_.proto().graph().output(0).name()) open.main().output(output);
        names.push_back(output);
      }
    }
    SessionOptions plain;
    plain.optimization = Optimization::kNone;
    Session session(library(), work_.write("open.onnx", open), plain);
    quant::ActivationStatistics statistics;
    statistics.model_file = "model.onnx";
    const auto add = [&](const NamedTensor& seen) {
      if (seen.tensor.dtype != DType::kFloat32) return;
      quant::TensorStatistics& entry = statistics.tensors[seen.name];
      for (const double value : to_doubles(seen.tensor)) {
        if (!entry.range) entry.range = {static_cast<float>(value), static_cast<float>(value)};
        entry.range->low = std::min(entry.range->low, static_cast<float>(value));
        entry.range->high = std::max(entry.range->high, static_cast<float>(value));
        ++entry.values;
      }
    };
    for (uint64_t seed = 0; seed < kSamples; ++seed) {
      const std::vector<NamedTensor> inputs{sample(seed)};
      add(inputs[0]);
      for (const NamedTensor& seen : session.run(inputs, names)) add(seen);
    }
    return statistics;
  }

  Request request(const std::string& policy = "int8-static") const {
    Request request;
    request.model = work_.write("model.onnx", model_);
    request.policy = policy;
    request.output = work_.path() / "out.onnx";
    request.calibration = work_.write("statistics.yaml", to_yaml(statistics_));
    return request;
  }

  Prepared write(const Request& request, int threads = 1) const {
    Prepared prepared = prepare(request);
    WriteOptions options;
    options.output = request.output;
    options.replace = Replace::kYes;
    options.threads = threads;
    quantize(prepared, AlgorithmSet(), options);
    return prepared;
  }

  // 10 log10 of the signal over its difference to float, of all samples, as the file says: unfused. (Fused, 8-bit products
  // saturate on processors without VNNI.)
  double sqnr_db(const std::filesystem::path& path, Optimization optimization = Optimization::kNone) const {
    SessionOptions options;
    options.optimization = optimization;
    Session before(library(), work_.path() / "model.onnx", {}), after(library(), path, options);
    double signal = 0, noise = 0;
    for (uint64_t seed = 0; seed < kSamples; ++seed) {
      const std::vector<NamedTensor> inputs{sample(seed)};
      const auto a = to_doubles(before.run(inputs).at(0).tensor), b = to_doubles(after.run(inputs).at(0).tensor);
      for (size_t i = 0; i < a.size(); ++i) {
        signal += a[i] * a[i];
        noise += (a[i] - b[i]) * (a[i] - b[i]);
      }
    }
    return 10 * std::log10(signal / noise);
  }

  std::map<std::string, uint64_t> fused(const std::filesystem::path& path) const {
    return optimized_operators(library(), path, {}, work_.path());
  }

  void take(TestModel model) {
    model_ = std::move(model);
    statistics_ = measure();
  }

  TestModel model_;
  TempFolder work_;
  quant::ActivationStatistics statistics_;
};

const PlannedActivation* activation(const Prepared& p, const std::string& name) {
  for (const PlannedActivation& planned : p.plan.activations) {
    if (p.index->address(planned.value) == name) return &planned;
  }
  return nullptr;
}

// In the standard domain or com.microsoft's: the runtime has some in both, by layout.
uint64_t count(const std::map<std::string, uint64_t>& operators, const std::string& op) {
  uint64_t sum = 0;
  for (const auto& [name, times] : operators) sum += name == op || name == "com.microsoft:" + op ? times : 0;
  return sum;
}

std::string why_float(const Prepared& p, const std::string& node) {
  for (const FloatNode& stays : p.plan.float_nodes) {
    if (p.index->node(stays.node).address == node) return stays.reason.text;
  }
  return {};
}

TEST_F(Static, ANetworkRunsOnIntegersFromEndToEnd) {
  for (const int64_t opset : {9, 11, 13, 17, 21}) {
    SCOPED_TRACE(opset);
    take(network(opset));
    const Request wish = request();
    write(wish);
    const double db = sqnr_db(wish.output);
    EXPECT_GT(db, 28);
    EXPECT_LT(db, 60) << "too good: nothing was rounded";
    if (this_processor().instruction_set == "avx512_vnni") {
      EXPECT_GT(sqnr_db(wish.output, Optimization::kAll), 28);
    }
    const auto made = fused(wish.output);
    EXPECT_EQ(count(made, "QLinearConv"), 2u);
    EXPECT_EQ(count(made, "QGemm"), 1u);
    EXPECT_EQ(count(made, "QLinearConcat"), 1u);
    EXPECT_EQ(count(made, "QLinearGlobalAveragePool"), 1u);
    for (const char* op : {"Conv", "Gemm", "Relu", "Clip", "BatchNormalization", "Concat"})
      EXPECT_EQ(made.count(op), 0u) << op;
  }
}

TEST_F(Static, BytesDoNotDependOnThreads) {
  take(network(17));
  Request wish = request();
  write(wish, 1);
  const std::string one = read_text(wish.output);
  write(wish, 4);
  EXPECT_EQ(one, read_text(wish.output));
}

TEST_F(Static, MovedAndJoinedValuesShareParametersAndClipsVanish) {
  take(network(17));
  const Prepared p = prepare(request());
  ASSERT_NE(activation(p, "r1"), nullptr);
  const int group = activation(p, "r1")->group;
  for (const char* shares : {"p1", "r2", "j"}) EXPECT_EQ(activation(p, shares)->group, group) << shares;
  EXPECT_NE(activation(p, "g")->group, group) << "a mean has a range of its own";
  EXPECT_EQ(activation(p, "g")->group, activation(p, "f")->group);
  EXPECT_EQ(activation(p, "r1")->parameters.zero_point, 0);
  EXPECT_EQ(activation(p, "n1"), nullptr) << "Relu is part of the convolution";
  EXPECT_EQ(activation(p, "c2"), nullptr) << "and so is Clip";
  EXPECT_THAT(p.plan.steps, Contains(HasSubstr("/norm1 (BatchNormalization) folded into /conv1")));
  EXPECT_EQ(p.plan.biases.size(), 3u);
}

TEST_F(Static, AClipInsideTheRangeOfItsCodesIsComputed) {
  take(network(17));
  statistics_.tensors["r1"].range = quant::ActivationRange{-1, 8};  // r1 and r2 share codes from -1 on
  const Prepared p = write(request());
  EXPECT_NE(activation(p, "n1"), nullptr);
  EXPECT_NE(activation(p, "c2"), nullptr);
  EXPECT_GT(sqnr_db(request().output), 20);
}

TEST_F(Static, WithoutStatisticsANodeStaysFloatAndTheRestWorks) {
  take(network(17));
  statistics_.tensors.erase("c2");
  statistics_.tensors["g"] = {};
  const Prepared p = write(request());
  EXPECT_EQ(why_float(p, "/conv2"), "the calibration has no statistics of 'c2'");
  EXPECT_EQ(why_float(p, "/mean"), "no sample of the calibration reached 'g'");
  EXPECT_EQ(why_float(p, "/head"), "");
  EXPECT_GT(sqnr_db(request().output), 28);
}

TEST_F(Static, SixteenBitsAndSymmetricCodes) {
  take(network(17));
  const std::string start = "version: 1\nextends: int8-static\ndefaults: {weights: int8, activations: static, ";
  Request wide = request();
  wide.policy = work_.write("wide.yaml", start + "activation_type: uint16}\n").string();
  write(wide);
  const double wide_db = sqnr_db(wide.output);
  EXPECT_GT(wide_db, 33) << "only the weights are rounded to 8 bits";
  EXPECT_EQ(count_operators(wide.output).count("com.microsoft:QuantizeLinear"), 1u) << "opset 17 has 8-bit pairs only";
  Request symmetric = request();
  symmetric.policy =
      work_.write("symmetric.yaml", start + "activation_type: int8, activation_symmetric: true}\n").string();
  const Prepared p = write(symmetric);
  for (const PlannedActivation& planned : p.plan.activations) EXPECT_EQ(planned.parameters.zero_point, 0);
  EXPECT_NE(activation(p, "n1"), nullptr) << "codes below zero do not clip";
  EXPECT_GT(sqnr_db(symmetric.output), 20);
  EXPECT_LT(sqnr_db(symmetric.output), wide_db);
}

// y = x w + 1000 with weights so small that the bias would need 37 bits in units of their scale; and a channel of zeros.
TEST_F(Static, ScalesAreWidenedWhereABiasWouldOverflow) {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {1, 4, 8, 8}).output("y", kFloat, {1, 3, 8, 8});
  std::vector<float> values = random_floats(3 * 4 * 3 * 3, 1);
  for (size_t i = 0; i < values.size(); ++i) values[i] *= i < 36 ? 1e-7F : i < 72 ? 0 : 0.3F;
  graph.floats("w", {3, 4, 3, 3}, values).floats("b", {3}, std::vector<float>{1000, 0.123F, -2});
  graph.node("Conv", {"x", "w", "b"}, {"y"}, "conv");
  take(model);
  // Codes of y as wide as these, or nothing of the second channel would be seen.
  Request wish = request();
  wish.policy = work_
                    .write("wide.yaml",
                           "version: 1\nextends: int8-static\ndefaults: {weights: int8, activations: static, "
                           "activation_type: uint16}\n")
                    .string();
  write(wish);
  SessionOptions plain;
  Session before(library(), wish.model, {}), after(library(), wish.output, {});
  const std::vector<NamedTensor> inputs{sample(1)};
  const auto a = to_doubles(before.run(inputs).at(0).tensor), b = to_doubles(after.run(inputs).at(0).tensor);
  const double step = (1000.0 + 4) / 65535;
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], i < 128 ? 0.6 * step : 0.05) << i;
}

TEST_F(Static, ProductsOfActivationsConstantsAndMovement) {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {1, 8, 32}).output("y", kFloat, {1, 8, 8});
  weight(graph, "wq", {32, 32}, 1, 0.3F);
  weight(graph, "wk", {32, 32}, 2, 0.3F);
  weight(graph, "add", {32}, 3);
  graph.floats("half", {}, std::vector<float>{0.5F});
  graph.node("MatMul", {"x", "wq"}, {"q"}, "query");
  graph.node("Add", {"q", "add"}, {"qa"}, "add_query");
  graph.node("Mul", {"qa", "half"}, {"qs"}, "scale");
  graph.node("MatMul", {"x", "wk"}, {"k"}, "key");
  set_ints(graph.node("Transpose", {"k"}, {"kt"}, "turn"), "perm", {0, 2, 1});
  graph.node("MatMul", {"qs", "kt"}, {"s"}, "scores");
  graph.node("Softmax", {"s"}, {"y"}, "attention");
  take(model);
  const Request wish = request();
  const Prepared p = write(wish);
  EXPECT_EQ(why_float(p, "/attention"), "only float nodes or callers read its result");
  EXPECT_EQ(p.plan.float_nodes.size(), 1u);
  EXPECT_EQ(activation(p, "k")->group, activation(p, "kt")->group);
  const auto made = fused(wish.output);
  EXPECT_EQ(count(made, "QLinearMatMul"), 2u);
  EXPECT_EQ(count(made, "MatMulIntegerToFloat"), 1u) << "scores go to a float Softmax";
  EXPECT_EQ(count(made, "QLinearAdd"), 1u);
  EXPECT_EQ(count(made, "QLinearMul"), 1u);
  EXPECT_GT(sqnr_db(wish.output), 22);
  EXPECT_LT(sqnr_db(wish.output), 60);
}

// What its readers clip anyway gets no codes: x below -3 in HardSwish, below -8 in x * Sigmoid(x).
TEST_F(Static, RangesEndWhereAllReadersClip) {
  TestModel model;
  GraphHandle graph = model.main();
  graph.input("x", kFloat, {1, 4, 8, 8}).output("y", kFloat, {1, 4, 8, 8});
  weight(graph, "w1", {4, 4, 3, 3}, 1, 4);
  weight(graph, "w2", {4, 4, 1, 1}, 2, 4);
  weight(graph, "w3", {4, 4, 1, 1}, 3);
  set_ints(graph.node("Conv", {"x", "w1"}, {"a"}, "conv1"), "pads", {1, 1, 1, 1});
  graph.node("HardSwish", {"a"}, {"b"}, "swish");
  graph.node("Conv", {"b", "w2"}, {"c"}, "conv2");
  graph.node("Sigmoid", {"c"}, {"s"}, "gate");
  graph.node("Mul", {"c", "s"}, {"d"}, "silu");
  graph.node("Conv", {"d", "w3"}, {"y"}, "conv3");
  take(model);
  const Request wish = request();
  const Prepared p = write(wish);
  ASSERT_LT(statistics_.tensors["a"].range->low, -8);
  ASSERT_LT(statistics_.tensors["c"].range->low, -16);
  EXPECT_EQ(activation(p, "a")->range, (quant::ActivationRange{-3, statistics_.tensors["a"].range->high}));
  EXPECT_EQ(activation(p, "c")->range, (quant::ActivationRange{-8, statistics_.tensors["c"].range->high}));
  EXPECT_EQ(activation(p, "d")->range.high, statistics_.tensors["d"].range->high) << "Conv reads all of it";
  EXPECT_GT(sqnr_db(wish.output), 30);
}

TEST_F(Static, ErrorsOfTheUserAreTold) {
  take(network(17));
  Request without = request();
  without.calibration.clear();
  Error error = error_of([&] { prepare(without); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_THAT(error.message(), HasSubstr("give --calibration"));
  error = error_of([&] { prepare(request("int8")); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_THAT(error.message(), HasSubstr("asks for no static activations"));
  statistics_.model_digest = "xxh3-128:00000000000000000000000000000000";
  error = error_of([&] { prepare(request()); });
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_THAT(error.message(), HasSubstr("statistics of another model"));
  statistics_.model_digest = "xxh3-128:" + Model::load(request().model)->digest();
  prepare(request());
}

}  // namespace
}  // namespace vetquant::test
