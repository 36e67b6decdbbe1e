// Loads models that a test made, and reads what they hold.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/error_of.h"
#include "support/model_builder.h"
#include "vetquant/model/graph_index.h"
#include "vetquant/model/model.h"
#include "vetquant/model/wire.h"

namespace vetquant::test {

class Loaded : public testing::Test {
 protected:
  std::shared_ptr<const Model> load(const TestModel& model) { return Model::load(folder_.write("model.onnx", model)); }
  std::shared_ptr<const Model> load(const std::string& bytes) {
    return Model::load(folder_.write("model.onnx", bytes));
  }
  Error refusal(const std::string& bytes) {
    return error_of([&] { load(bytes); });
  }
  Error refusal(const TestModel& model) { return refusal(model.bytes()); }

  TempFolder folder_;
};

// The bytes of a message field, for what no protobuf writer would write.
inline std::string message_field(uint32_t number, const std::string& bytes) {
  std::string out;
  append_tag(out, number, WireType::kBytes);
  append_varint(out, bytes.size());
  return out + bytes;
}

inline std::string varint_field(uint32_t number, uint64_t value) {
  std::string out;
  append_tag(out, number, WireType::kVarint);
  append_varint(out, value);
  return out;
}

// A model whose only initializer, "w", has these fields (dims, type, data) as bytes.
inline std::string model_with_tensor(const std::string& fields) {
  const std::string graph = message_field(2, "g") + message_field(5, message_field(8, "w") + fields);
  return varint_field(1, 8) + message_field(8, varint_field(2, 17)) + message_field(7, graph);
}

inline TensorView view_of(const Model& model, const std::string& name) {
  for (const auto& tensor : model.skeleton().graph().initializer()) {
    if (tensor.name() == name) return TensorView(model.stored(tensor, name));
  }
  ADD_FAILURE() << "no initializer " << name;
  return {};
}

inline std::vector<float> floats_of(const TensorView& view) {
  std::vector<float> values(view.elements());
  read_floats(view, Box::whole(view), values);
  return values;
}

inline std::vector<int64_t> ints_of(const TensorView& view) {
  std::vector<int64_t> values(view.elements());
  read_int64s(view, Box::whole(view), values);
  return values;
}

}  // namespace vetquant::test
