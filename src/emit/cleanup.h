// What a rewrite leaves behind.
#pragma once

#include <onnx/onnx_pb.h>

#include <functional>
#include <string>
#include <unordered_set>

#include "vetquant/emit/emitted.h"

namespace vetquant {

// Keeps the order of what stays.
template <class Field, class IsGone>
void erase_if_gone(Field& field, const IsGone& is_gone) {
  int kept = 0;
  for (int i = 0; i < field.size(); ++i) {
    if (is_gone(field.Get(i))) continue;
    if (kept != i) field.SwapElements(kept, i);
    ++kept;
  }
  field.DeleteSubrange(kept, field.size() - kept);
}

// Removes initializers (with their entries among the inputs) and nodes that nothing reads any more, beginning from
// `suspects` (TensorProto and NodeProto of `model`) and going on to what these have read. Nodes with subgraphs stay.
void remove_dead(onnx::ModelProto& model, const std::unordered_set<const void*>& suspects, EmitLog& log);

// Removes value_info and quantization annotations of values that the scope no longer defines, but did (`was_defined`).
using WasDefined = std::function<bool(const std::string&)>;
void forget_gone_values(onnx::GraphProto& graph, const WasDefined& was_defined);
void forget_gone_values(onnx::FunctionProto& function, const WasDefined& was_defined);

}  // namespace vetquant
