#include "half.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>
#include <string>

namespace vetquant::plan {
namespace {

bool computes_in_float(const FormContext& context, const NodeInfo& node) {
  const auto is_float32 = [&](ValueId value) {
    return value.valid() && context.survey.types[static_cast<size_t>(value.value)].dtype == DType::kFloat32;
  };
  return std::any_of(node.outputs.begin(), node.outputs.end(), is_float32) &&
         std::any_of(node.inputs.begin(), node.inputs.end(), is_float32);
}

}  // namespace

std::vector<PlannedNode> half_nodes_without_weights(const Decider& decider, const ConstantFinder& constants) {
  std::vector<PlannedNode> result;
  const FormContext& context = decider.context();
  if (context.target.fp16_ops.empty()) return result;
  std::map<std::string, bool> has_kernel;  // by operator: targets list some 150 patterns
  const auto works = [&](NodeId id, const onnx::NodeProto& node) {
    const auto [entry, is_new] = has_kernel.try_emplace(qualified_op(node));
    if (is_new) entry->second = decider.works_in_fp16(id);
    return entry->second;
  };
  for (size_t i = 0; i < context.index.nodes().size(); ++i) {
    const NodeId id{static_cast<int32_t>(i)};
    const NodeInfo& node = context.index.nodes()[i];
    if (!context.survey.sites_of_node[i].empty() || !node.subgraphs.empty()) continue;
    if (!computes_in_float(context, node) || !works(id, *node.proto)) continue;
    if (is_chain_operator(*node.proto) && !node.outputs.empty() && node.outputs[0].valid() &&
        constants.find(node.outputs[0]))
      continue;
    const size_t rule = decider.book().first_for(id);
    const Use use = decider.book().wish_of(rule).use;
    const DType compute = use.compute.value_or(context.target.fp16_compute_default);
    if (use.keep || use.weights != DType::kFloat16 || compute != DType::kFloat16) continue;
    PlannedNode planned;
    planned.node = id;
    planned.form = Form::kHalfCompute;
    planned.reason = decider.book().reason(rule, "fp16 computed; the node holds no weight");
    result.push_back(std::move(planned));
  }
  return result;
}

}  // namespace vetquant::plan
