#include "model_facts.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

namespace vetquant::cli {
namespace {

constexpr std::array<std::string_view, 9> kChainOperators = {"Identity", "Transpose", "Reshape", "Squeeze", "Unsqueeze",
                                                             "Flatten",  "Slice",     "Concat",  "Cast"};
constexpr int kLongestChain = 32;

constexpr std::array<std::string_view, 22> kQuantizedOperators = {"QuantizeLinear",
                                                                  "DequantizeLinear",
                                                                  "DynamicQuantizeLinear",
                                                                  "MatMulInteger",
                                                                  "ConvInteger",
                                                                  "QLinearMatMul",
                                                                  "QLinearConv",
                                                                  "QLinearAdd",
                                                                  "QLinearMul",
                                                                  "QLinearGlobalAveragePool",
                                                                  "QLinearAveragePool",
                                                                  "QLinearSigmoid",
                                                                  "QLinearLeakyRelu",
                                                                  "QLinearConcat",
                                                                  "QGemm",
                                                                  "QAttention",
                                                                  "QEmbedLayerNormalization",
                                                                  "MatMulNBits",
                                                                  "GatherBlockQuantized",
                                                                  "DynamicQuantizeMatMul",
                                                                  "DynamicQuantizeLSTM",
                                                                  "MatMulIntegerToFloat"};

constexpr std::array<std::string_view, 5> kKnownDomains = {"", "ai.onnx", "ai.onnx.ml", "ai.onnx.preview.training",
                                                           "com.microsoft"};

template <class List>
bool is_one_of(std::string_view word, const List& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string operator_name(const onnx::NodeProto& node) {
  const bool standard = node.domain().empty() || node.domain() == "ai.onnx";
  return standard ? node.op_type() : node.domain() + ":" + node.op_type();
}

std::vector<std::pair<std::string, size_t>> by_count(const std::map<std::string, size_t>& counts) {
  std::vector<std::pair<std::string, size_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  return sorted;
}

// The reader behind Identity, Transpose and their like.
NodeId reader_of(const GraphIndex& index, const ConstantFinder& constants, ValueId value) {
  NodeId reader;
  for (int step = 0; step < kLongestChain; ++step) {
    const std::vector<ValueUse>& uses = index.value(value).uses;
    if (uses.empty()) break;
    reader = uses.front().node;
    const NodeInfo& node = index.node(reader);
    if (!is_one_of(node.proto->op_type(), kChainOperators) || node.outputs.empty() || !node.outputs[0].valid()) break;
    if (!constants.find(node.outputs[0])) break;
    value = node.outputs[0];
  }
  return reader;
}

class Collector {
 public:
  Collector(const Model& model, const GraphIndex& index, const ConstantFinder& constants)
      : model_(model), index_(index), constants_(constants) {}

  ModelFacts collect() {
    collect_header();
    collect_scopes();
    collect_nodes();
    collect_values();
    facts_.ties = find_ties(index_, constants_);
    std::stable_sort(facts_.weights.begin(), facts_.weights.end(),
                     [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
    return std::move(facts_);
  }

 private:
  void collect_header() {
    const onnx::ModelProto& proto = model_.skeleton();
    for (size_t i = 1; i < model_.files().size(); ++i) {
      const auto& file = *model_.files()[i];
      facts_.external_files.emplace_back(file.path().filename().string(), file.size_bytes());
    }
    facts_.producer = proto.producer_name();
    if (!proto.producer_version().empty())
      facts_.producer += (facts_.producer.empty() ? "" : " ") + proto.producer_version();
    std::map<std::string, int64_t> opsets;
    for (const auto& opset : proto.opset_import())
      opsets[opset.domain() == "ai.onnx" ? "" : opset.domain()] = opset.version();
    for (const auto& [domain, version] : opsets)
      facts_.opsets.emplace_back(domain.empty() ? "ai.onnx" : domain, version);
    std::set<std::string> local;
    for (const auto& function : proto.functions()) local.insert(function.domain());
    for (const auto& [domain, version] : opsets) {
      if (!is_one_of(domain, kKnownDomains) && local.count(domain) == 0) facts_.unknown_domains.push_back(domain);
    }
  }

  void collect_scopes() {
    for (const ScopeInfo& scope : index_.scopes()) {
      const char* kind = scope.kind == ScopeKind::kMain       ? "main graph"
                         : scope.kind == ScopeKind::kSubgraph ? "subgraph"
                                                              : "function";
      facts_.scopes.push_back({scope.path.empty() ? "/" : scope.path, kind, scope.nodes.size()});
    }
  }

  void collect_nodes() {
    std::map<std::string, size_t> all, quantized;
    for (const NodeInfo& node : index_.nodes()) {
      const std::string name = operator_name(*node.proto);
      ++all[name];
      if (is_one_of(node.proto->op_type(), kQuantizedOperators)) ++quantized[name];
      const onnx::TensorProto* constant = node.proto->op_type() == "Constant" ? constant_tensor(*node.proto) : nullptr;
      if (constant != nullptr && !node.outputs.empty() && node.outputs[0].valid())
        add_weight(*constant, node.outputs[0]);
    }
    facts_.operators = by_count(all);
    facts_.quantized_operators = by_count(quantized);
  }

  void collect_values() {
    for (size_t i = 0; i < index_.values().size(); ++i) {
      const ValueId id{static_cast<int32_t>(i)};
      const ValueInfo& value = index_.value(id);
      if (value.kind == ValueKind::kSparseInitializer) facts_.sparse.push_back(index_.address(id));
      if (value.kind != ValueKind::kInitializer || value.initializer == nullptr) continue;
      if (index_.overridable(id)) facts_.overridable.push_back(index_.address(id));
      add_weight(*value.initializer, id);
    }
  }

  void add_weight(const onnx::TensorProto& tensor, ValueId value) {
    WeightFact fact;
    fact.address = index_.address(value);
    const auto stored = model_.stored(tensor, fact.address);
    fact.dtype = stored->dtype;
    fact.shape = stored->shape;
    fact.elements = stored->elements;
    fact.bytes = stored->stored_bytes;
    fact.users = index_.value(value).uses.size();
    if (const NodeId reader = reader_of(index_, constants_, value); reader.valid()) {
      fact.user = index_.node(reader).address;
      fact.user_op = operator_name(*index_.node(reader).proto);
    }
    facts_.weights.push_back(std::move(fact));
  }

  const Model& model_;
  const GraphIndex& index_;
  const ConstantFinder& constants_;
  ModelFacts facts_;
};

}  // namespace

ModelFacts facts_of(const Model& model, const GraphIndex& index, const ConstantFinder& constants) {
  return Collector(model, index, constants).collect();
}

}  // namespace vetquant::cli
