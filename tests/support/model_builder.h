// Builds small ONNX models for tests, and temporary folders to put them in.
//
//   TestModel model;                                   // opset 17, IR 8
//   model.main().input("x", kFloat, {-1, 64}).output("y", kFloat, {-1, 32});
//   model.main().floats("w", {64, 32}, random_floats(64 * 32, 1));
//   model.main().node("MatMul", {"x", "w"}, {"y"}, "fc1");
//   auto& branch = model.main().node("If", {"c"}, {"z"}, "decide");
//   subgraph(branch, "then_branch").output(...)...
//   TempFolder folder;
//   auto path = folder.write("model.onnx", model);
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vetquant::test {

using Dims = std::vector<int64_t>;
using Names = std::vector<std::string>;

inline constexpr int32_t kFloat = onnx::TensorProto::FLOAT;
inline constexpr int32_t kInt64 = onnx::TensorProto::INT64;

// Tensors. `raw` and `floats` are stored in raw_data.
onnx::TensorProto raw_tensor(const std::string& name, int32_t type, const Dims& dims, std::string bytes);
onnx::TensorProto float_tensor(const std::string& name, const Dims& dims, std::span<const float> values);
onnx::TensorProto int64_tensor(const std::string& name, const Dims& dims, std::span<const int64_t> values);
onnx::TensorProto external_tensor(const std::string& name, int32_t type, const Dims& dims, const std::string& location,
                                  int64_t offset = -1, int64_t length = -1);  // -1: no such entry

// A handle on a graph, valid while its model lives.
class GraphHandle {
 public:
  explicit GraphHandle(onnx::GraphProto& graph) : graph_(&graph) {}
  onnx::GraphProto& proto() { return *graph_; }

  GraphHandle& input(const std::string& name, int32_t type, const Dims& dims);  // a dim of -1 is unknown
  GraphHandle& output(const std::string& name, int32_t type, const Dims& dims);
  GraphHandle& output(const std::string& name);  // no type
  GraphHandle& initializer(onnx::TensorProto tensor);
  GraphHandle& floats(const std::string& name, const Dims& dims, std::span<const float> values);
  GraphHandle& int64s(const std::string& name, const Dims& dims, const std::vector<int64_t>& values);
  // The reference stays valid: nodes are kept by pointer.
  onnx::NodeProto& node(const std::string& op, const Names& inputs, const Names& outputs, const std::string& name = {},
                        const std::string& domain = {});
  onnx::NodeProto& constant(const std::string& output, onnx::TensorProto value);

 private:
  onnx::GraphProto* graph_;
};

onnx::AttributeProto& set_int(onnx::NodeProto& node, const std::string& name, int64_t value);
onnx::AttributeProto& set_float(onnx::NodeProto& node, const std::string& name, float value);
onnx::AttributeProto& set_string(onnx::NodeProto& node, const std::string& name, const std::string& value);
onnx::AttributeProto& set_ints(onnx::NodeProto& node, const std::string& name, const std::vector<int64_t>& values);
onnx::AttributeProto& set_tensor(onnx::NodeProto& node, const std::string& name, onnx::TensorProto value);
GraphHandle subgraph(onnx::NodeProto& node, const std::string& attribute);  // added where it is not there yet

class TestModel {
 public:
  explicit TestModel(int64_t opset = 17, int64_t ir_version = 8);
  GraphHandle main() { return GraphHandle(*proto_.mutable_graph()); }
  TestModel& import_domain(const std::string& domain, int64_t version);
  // A local function; its body's opset is the model's.
  onnx::FunctionProto& function(const std::string& domain, const std::string& name, const Names& inputs,
                                const Names& outputs);
  onnx::ModelProto& proto() { return proto_; }
  const onnx::ModelProto& proto() const { return proto_; }
  std::string bytes() const { return proto_.SerializeAsString(); }

 private:
  onnx::ModelProto proto_;
};

onnx::NodeProto& add_node(onnx::FunctionProto& function, const std::string& op, const Names& inputs,
                          const Names& outputs, const std::string& name = {}, const std::string& domain = {});

// Reproducible values in [-1, 1) from a small generator of our own: the same with every standard library.
std::vector<float> random_floats(size_t count, uint64_t seed);

// A folder of its own, removed with all that is in it.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, const TestModel& model) const;
  std::filesystem::path write(const std::string& name, std::string_view bytes) const;

 private:
  std::filesystem::path path_;
};

std::string read_text(const std::filesystem::path& path);

}  // namespace vetquant::test
