#include "node_writer.h"

#include <cstring>

#include "vetquant/core/error.h"

namespace vetquant {
namespace {

onnx::AttributeProto& add_attribute(onnx::NodeProto& node, const std::string& name,
                                    onnx::AttributeProto::AttributeType type) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(type);
  return attribute;
}

template <class T>
onnx::TensorProto raw_constant(std::span<const T> values, const Shape& shape, onnx::TensorProto::DataType type) {
  onnx::TensorProto tensor;
  tensor.set_data_type(type);
  for (int64_t dim : shape) tensor.add_dims(dim);
  tensor.set_raw_data(values.data(), values.size_bytes());
  return tensor;
}

}  // namespace

void set_int(onnx::NodeProto& node, const std::string& name, int64_t value) {
  add_attribute(node, name, onnx::AttributeProto::INT).set_i(value);
}

void set_ints(onnx::NodeProto& node, const std::string& name, std::span<const int64_t> values) {
  onnx::AttributeProto& attribute = add_attribute(node, name, onnx::AttributeProto::INTS);
  for (int64_t value : values) attribute.add_ints(value);
}

onnx::TensorProto float_constant(std::span<const float> values, const Shape& shape) {
  return raw_constant(values, shape, onnx::TensorProto::FLOAT);
}

onnx::TensorProto int64_constant(std::span<const int64_t> values) {
  return raw_constant(values, {static_cast<int64_t>(values.size())}, onnx::TensorProto::INT64);
}

std::vector<std::string> NodeWriter::op_with_outputs(const std::string& op, const std::vector<std::string>& inputs,
                                                     const std::vector<std::string>& suffixes,
                                                     const std::string& domain) {
  std::vector<std::string> outputs;
  for (const std::string& suffix : suffixes) {
    outputs.push_back(suffix.empty() ? std::string() : editor_.unique_name(prefix_ + "/" + suffix));
  }
  last_ = &editor_.add_node(place_, op, inputs, outputs, domain);
  last_->set_name(editor_.unique_name(prefix_ + "/" + op + "_node"));
  return outputs;
}

std::string NodeWriter::op(const std::string& op, const std::vector<std::string>& inputs, const std::string& domain) {
  return op_with_outputs(op, inputs, {op}, domain).front();
}

void NodeWriter::name_last(const std::string& output) { last_->set_output(0, output); }

std::string NodeWriter::cast(const std::string& value, DType type) {
  std::string output = op("Cast", {value});
  set_int(*last_, "to", static_cast<int64_t>(type));
  return output;
}

std::string NodeWriter::reshape(const std::string& value, const Shape& shape) {
  return op("Reshape", {value, int64s(shape)});
}

std::string NodeWriter::transpose(const std::string& value, std::span<const int64_t> perm) {
  std::string output = op("Transpose", {value});
  set_ints(*last_, "perm", perm);
  return output;
}

std::string NodeWriter::concat(const std::vector<std::string>& values, int64_t axis) {
  std::string output = op("Concat", values);
  set_int(*last_, "axis", axis);
  return output;
}

std::string NodeWriter::slice_from_start(const std::string& value, int64_t axis, int64_t count) {
  const int64_t starts[] = {0}, ends[] = {count}, axes[] = {axis};
  if (editor_.opset(place_.scope) >= 10) {
    return op("Slice", {value, int64s(starts), int64s(ends), int64s(axes)});
  }
  std::string output = op("Slice", {value});
  set_ints(*last_, "starts", starts);
  set_ints(*last_, "ends", ends);
  set_ints(*last_, "axes", axes);
  return output;
}

std::string NodeWriter::scalar(float value) {
  return editor_.constant(place_.scope, "vetquant/scalar", float_constant(std::span(&value, 1), {}));
}

std::string NodeWriter::int64s(std::span<const int64_t> values) {
  return editor_.constant(place_.scope, "vetquant/ints", int64_constant(values));
}

}  // namespace vetquant
