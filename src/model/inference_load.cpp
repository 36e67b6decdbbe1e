#include "inference_load.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <limits>

#include "function_calls.h"
#include "vetquant/core/checked.h"

namespace vetquant {

namespace {

uint64_t saturating_add(uint64_t a, uint64_t b) {
  return checked_add(a, b).value_or(std::numeric_limits<uint64_t>::max());
}

// Callees before their callers: GraphIndex has refused recursion.
std::vector<size_t> callees_first(const std::vector<std::vector<size_t>>& calls) {
  std::vector<size_t> order;
  std::vector<bool> seen(calls.size(), false);
  for (size_t start = 0; start < calls.size(); ++start) {
    if (seen[start]) continue;
    std::vector<std::pair<size_t, size_t>> stack{{start, 0}};  // function, next call
    seen[start] = true;
    while (!stack.empty()) {
      auto& [function, next] = stack.back();
      if (next == calls[function].size()) {
        order.push_back(function);
        stack.pop_back();
      } else if (const size_t callee = calls[function][next++]; !seen[callee]) {
        seen[callee] = true;
        stack.emplace_back(callee, 0);
      }
    }
  }
  return order;
}

void measure_calls(const GraphIndex& index, InferenceLoad& load) {
  const FunctionCalls calls = function_calls(index);
  const auto order = callees_first(calls.of_function);
  std::vector<uint64_t> nodes(order.size(), 0), depth(order.size(), 1);
  for (const size_t function : order) {
    nodes[function] = calls.nodes_of_function[function];
    for (const size_t callee : calls.of_function[function]) {
      nodes[function] = saturating_add(nodes[function], nodes[callee]);
      depth[function] = std::max(depth[function], depth[callee] + 1);
    }
  }
  load.expanded_nodes = index.nodes().size();
  for (const size_t callee : calls.of_main) {
    load.expanded_nodes = saturating_add(load.expanded_nodes, nodes[callee]);
  }
  for (const uint64_t d : depth) load.call_depth = std::max(load.call_depth, d);
}

uint64_t list_length(const onnx::TensorProto& tensor) {
  if (tensor.data_type() != onnx::TensorProto::INT64 && tensor.data_type() != onnx::TensorProto::INT32) return 1;
  return checked_elements({tensor.dims().data(), static_cast<size_t>(tensor.dims_size())}).value_or(0);
}

void measure_lists(const GraphIndex& index, InferenceLoad& load) {
  std::vector<uint64_t> length(index.values().size(), 1);
  for (size_t v = 0; v < length.size(); ++v) {
    if (const auto* tensor = index.values()[v].initializer) length[v] = list_length(*tensor);
  }
  for (const NodeInfo& node : index.nodes()) {
    const bool joins = node.proto->op_type() == "Concat";
    uint64_t result = joins ? 0 : 1;
    for (const ValueId input : node.inputs) {
      if (!input.valid()) continue;
      const uint64_t other = length[static_cast<size_t>(input.value)];
      result = joins ? saturating_add(result, other) : std::max(result, other);
    }
    if (const auto* tensor = constant_tensor(*node.proto)) result = list_length(*tensor);
    load.longest_list = std::max(load.longest_list, result);
    for (const ValueId output : node.outputs) {
      if (output.valid()) length[static_cast<size_t>(output.value)] = result;
    }
  }
}

}  // namespace

InferenceLoad measure_inference(const GraphIndex& index) {
  InferenceLoad load;
  measure_calls(index, load);
  measure_lists(index, load);
  return load;
}

}  // namespace vetquant
