#include "folded.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "node_units.h"
#include "roles.h"

namespace vetquant::plan {
namespace {

constexpr std::string_view kRandom[] = {"RandomNormal",      "RandomNormalLike", "RandomUniform",
                                        "RandomUniformLike", "Multinomial",      "Bernoulli"};

class Folding {
 public:
  Folding(const GraphIndex& index, const ConstantFinder& constants, const std::vector<ValueType>& types)
      : index_(index), constants_(constants), types_(types), constant_(index.values().size(), 0) {}

  std::set<NodeId> run() {
    for (size_t v = 0; v < constant_.size(); ++v) {
      const ValueId id{static_cast<int32_t>(v)};
      const ValueInfo& value = index_.value(id);
      constant_[v] = value.kind == ValueKind::kInitializer && constants_.find(id).has_value();
    }
    std::set<NodeId> folded;
    for (size_t n = 0; n < index_.nodes().size(); ++n) {  // outer before inner, in order within a scope
      const NodeId id{static_cast<int32_t>(n)};
      const NodeInfo& node = index_.node(id);
      if (is_constant(node)) {
        for (const ValueId output : node.outputs) {
          if (output.valid()) constant_[static_cast<size_t>(output.value)] = 1;
        }
        folded.insert(id);
      } else if (is_taken_away(node)) {
        folded.insert(id);
      }
    }
    return folded;
  }

 private:
  bool is_constant(const NodeInfo& node) const {
    const onnx::NodeProto& proto = *node.proto;
    if (!node.subgraphs.empty() || is_dequantize(proto) || is_quantize(proto)) return false;
    if (std::find(std::begin(kRandom), std::end(kRandom), proto.op_type()) != std::end(kRandom)) return false;
    if (index_.scope(node.scope).kind == ScopeKind::kFunction) return false;
    if (proto.op_type() == "Shape" && node.inputs.size() == 1 && node.inputs[0].valid()) {
      const ValueType& type = types_[static_cast<size_t>(node.inputs[0].value)];
      if (type.has_shape && std::all_of(type.shape.begin(), type.shape.end(), [](int64_t dim) { return dim >= 0; }))
        return true;
    }
    if (!is_standard(proto.domain())) return false;
    return std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
      return !input.valid() || constant_[static_cast<size_t>(input.value)] != 0;
    });
  }

  bool is_taken_away(const NodeInfo& node) const {
    const std::string& op = node.proto->op_type();
    if (!is_standard(node.proto->domain()) || (op != "Identity" && op != "Dropout")) return false;
    return std::none_of(node.outputs.begin(), node.outputs.end(),
                        [&](ValueId output) { return output.valid() && index_.value(output).is_scope_output; });
  }

  const GraphIndex& index_;
  const ConstantFinder& constants_;
  const std::vector<ValueType>& types_;
  std::vector<char> constant_;  // by ValueId
};

}  // namespace

std::set<NodeId> folded_at_load(const GraphIndex& index, const ConstantFinder& constants,
                                const std::vector<ValueType>& types) {
  return Folding(index, constants, types).run();
}

}  // namespace vetquant::plan
