#include "support/model_builder.h"

#include <stdlib.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace vetquant::test {

namespace {

void set_type(onnx::ValueInfoProto& info, const std::string& name, int32_t type, const Dims& dims) {
  info.set_name(name);
  auto* tensor = info.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type);
  auto* shape = tensor->mutable_shape();
  for (int64_t dim : dims) {
    auto* added = shape->add_dim();
    if (dim >= 0) added->set_dim_value(dim);
  }
}

void fill_node(onnx::NodeProto& node, const std::string& op, const Names& inputs, const Names& outputs,
               const std::string& name, const std::string& domain) {
  node.set_op_type(op);
  for (const auto& input : inputs) node.add_input(input);
  for (const auto& output : outputs) node.add_output(output);
  if (!name.empty()) node.set_name(name);
  if (!domain.empty()) node.set_domain(domain);
}

onnx::AttributeProto& attribute(onnx::NodeProto& node, const std::string& name,
                                onnx::AttributeProto::AttributeType type) {
  auto& added = *node.add_attribute();
  added.set_name(name);
  added.set_type(type);
  return added;
}

template <class T>
std::string bytes_of_values(std::span<const T> values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

void add_external(onnx::TensorProto& tensor, const std::string& key, const std::string& value) {
  auto* entry = tensor.add_external_data();
  entry->set_key(key);
  entry->set_value(value);
}

}  // namespace

onnx::TensorProto raw_tensor(const std::string& name, int32_t type, const Dims& dims, std::string bytes) {
  onnx::TensorProto tensor;
  tensor.set_name(name);
  tensor.set_data_type(type);
  for (int64_t dim : dims) tensor.add_dims(dim);
  tensor.set_raw_data(std::move(bytes));
  return tensor;
}

onnx::TensorProto float_tensor(const std::string& name, const Dims& dims, std::span<const float> values) {
  return raw_tensor(name, kFloat, dims, bytes_of_values(values));
}

onnx::TensorProto int64_tensor(const std::string& name, const Dims& dims, std::span<const int64_t> values) {
  return raw_tensor(name, kInt64, dims, bytes_of_values(values));
}

onnx::TensorProto external_tensor(const std::string& name, int32_t type, const Dims& dims, const std::string& location,
                                  int64_t offset, int64_t length) {
  onnx::TensorProto tensor = raw_tensor(name, type, dims, {});
  tensor.clear_raw_data();
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  add_external(tensor, "location", location);
  if (offset >= 0) add_external(tensor, "offset", std::to_string(offset));
  if (length >= 0) add_external(tensor, "length", std::to_string(length));
  return tensor;
}

GraphHandle& GraphHandle::input(const std::string& name, int32_t type, const Dims& dims) {
  set_type(*graph_->add_input(), name, type, dims);
  return *this;
}

GraphHandle& GraphHandle::output(const std::string& name, int32_t type, const Dims& dims) {
  set_type(*graph_->add_output(), name, type, dims);
  return *this;
}

GraphHandle& GraphHandle::output(const std::string& name) {
  graph_->add_output()->set_name(name);
  return *this;
}

GraphHandle& GraphHandle::initializer(onnx::TensorProto tensor) {
  *graph_->add_initializer() = std::move(tensor);
  return *this;
}

GraphHandle& GraphHandle::floats(const std::string& name, const Dims& dims, std::span<const float> values) {
  return initializer(float_tensor(name, dims, values));
}

GraphHandle& GraphHandle::int64s(const std::string& name, const Dims& dims, const std::vector<int64_t>& values) {
  return initializer(int64_tensor(name, dims, values));
}

onnx::NodeProto& GraphHandle::node(const std::string& op, const Names& inputs, const Names& outputs,
                                   const std::string& name, const std::string& domain) {
  auto& node = *graph_->add_node();
  fill_node(node, op, inputs, outputs, name, domain);
  return node;
}

onnx::NodeProto& GraphHandle::constant(const std::string& output, onnx::TensorProto value) {
  auto& added = node("Constant", {}, {output});
  set_tensor(added, "value", std::move(value));
  return added;
}

onnx::AttributeProto& set_int(onnx::NodeProto& node, const std::string& name, int64_t value) {
  auto& added = attribute(node, name, onnx::AttributeProto::INT);
  added.set_i(value);
  return added;
}

onnx::AttributeProto& set_float(onnx::NodeProto& node, const std::string& name, float value) {
  auto& added = attribute(node, name, onnx::AttributeProto::FLOAT);
  added.set_f(value);
  return added;
}

onnx::AttributeProto& set_string(onnx::NodeProto& node, const std::string& name, const std::string& value) {
  auto& added = attribute(node, name, onnx::AttributeProto::STRING);
  added.set_s(value);
  return added;
}

onnx::AttributeProto& set_ints(onnx::NodeProto& node, const std::string& name, const std::vector<int64_t>& values) {
  auto& added = attribute(node, name, onnx::AttributeProto::INTS);
  for (int64_t value : values) added.add_ints(value);
  return added;
}

onnx::AttributeProto& set_tensor(onnx::NodeProto& node, const std::string& name, onnx::TensorProto value) {
  auto& added = attribute(node, name, onnx::AttributeProto::TENSOR);
  *added.mutable_t() = std::move(value);
  return added;
}

GraphHandle subgraph(onnx::NodeProto& node, const std::string& name) {
  for (auto& known : *node.mutable_attribute()) {
    if (known.name() == name) return GraphHandle(*known.mutable_g());
  }
  auto& added = attribute(node, name, onnx::AttributeProto::GRAPH);
  added.mutable_g()->set_name(name);
  return GraphHandle(*added.mutable_g());
}

TestModel::TestModel(int64_t opset, int64_t ir_version) {
  proto_.set_ir_version(ir_version);
  proto_.set_producer_name("vetquant tests");
  proto_.mutable_graph()->set_name("g");
  import_domain("", opset);
}

TestModel& TestModel::import_domain(const std::string& domain, int64_t version) {
  auto* import = proto_.add_opset_import();
  import->set_domain(domain);
  import->set_version(version);
  return *this;
}

onnx::FunctionProto& TestModel::function(const std::string& domain, const std::string& name, const Names& inputs,
                                         const Names& outputs) {
  auto& added = *proto_.add_functions();
  added.set_domain(domain);
  added.set_name(name);
  for (const auto& input : inputs) added.add_input(input);
  for (const auto& output : outputs) added.add_output(output);
  *added.add_opset_import() = proto_.opset_import(0);
  return added;
}

onnx::NodeProto& add_node(onnx::FunctionProto& function, const std::string& op, const Names& inputs,
                          const Names& outputs, const std::string& name, const std::string& domain) {
  auto& node = *function.add_node();
  fill_node(node, op, inputs, outputs, name, domain);
  return node;
}

std::vector<float> random_floats(size_t count, uint64_t seed) {
  std::vector<float> values(count);
  uint64_t state = seed * 0x9E3779B97F4A7C15u + 0x1234567u;
  for (float& value : values) {  // xorshift64*, upper 24 bits
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    const auto bits = static_cast<uint32_t>((state * 0x2545F4914F6CDD1Du) >> 40);
    value = static_cast<float>(bits) / 8388608.0f - 1.0f;
  }
  return values;
}

TempFolder::TempFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "vetquant-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
  path_ = pattern;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TempFolder::write(const std::string& name, const TestModel& model) const {
  return write(name, model.bytes());
}

std::filesystem::path TempFolder::write(const std::string& name, std::string_view bytes) const {
  const auto path = path_ / name;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
  return path;
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace vetquant::test
