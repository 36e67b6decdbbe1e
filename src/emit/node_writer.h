// Writes small runs of nodes at one place of the graph; each call adds one node and returns the name of its output.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "graph_editor.h"

namespace vetquant {

inline constexpr const char* kContribDomain = "com.microsoft";

void set_int(onnx::NodeProto& node, const std::string& name, int64_t value);
void set_ints(onnx::NodeProto& node, const std::string& name, std::span<const int64_t> values);
onnx::TensorProto float_constant(std::span<const float> values, const Shape& shape);
onnx::TensorProto int64_constant(std::span<const int64_t> values);  // 1-D

class NodeWriter {
 public:
  // Names of values and nodes begin with `prefix`.
  NodeWriter(GraphEditor& editor, const Place& place, std::string prefix)
      : editor_(editor), place_(place), prefix_(std::move(prefix)) {}

  std::string op(const std::string& op, const std::vector<std::string>& inputs, const std::string& domain = {});
  std::vector<std::string> op_with_outputs(const std::string& op, const std::vector<std::string>& inputs,
                                           const std::vector<std::string>& suffixes, const std::string& domain = {});
  onnx::NodeProto& last() { return *last_; }  // for attributes
  void name_last(const std::string& output);  // the last node's first output takes this name

  std::string cast(const std::string& value, DType type);
  std::string as(const std::string& value, DType from, DType to) { return from == to ? value : cast(value, to); }
  std::string reshape(const std::string& value, const Shape& shape);
  std::string transpose(const std::string& value, std::span<const int64_t> perm);
  std::string concat(const std::vector<std::string>& values, int64_t axis);
  std::string slice_from_start(const std::string& value, int64_t axis,
                               int64_t count);  // attributes or inputs, by opset
  std::string scalar(float value);
  std::string int64s(std::span<const int64_t> values);

 private:
  GraphEditor& editor_;
  Place place_;
  std::string prefix_;
  onnx::NodeProto* last_ = nullptr;
};

}  // namespace vetquant
