#include "vetquant/eval/stored_weights.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "vetquant/model/graph_index.h"
#include "vetquant/model/model.h"

namespace vetquant {
namespace {

constexpr std::string_view kSuffixes[] = {"_codes", "_scale", "_zero_point", "_fp16", "_bf16"};

struct Part {
  std::string weight, suffix;  // suffix "": a weight of its own
};

// "fc1.weight_scale_1" (a name that two scopes share) is the scale of fc1.weight, the second of that name.
Part part_of(const std::string& address) {
  std::string name = address, number;
  const size_t digits = name.find_last_not_of("0123456789");
  if (digits != std::string::npos && name[digits] == '_' && digits + 1 < name.size()) {
    number = name.substr(digits);
    name = name.substr(0, digits);
  }
  for (const std::string& candidate : {address, name}) {
    for (const std::string_view suffix : kSuffixes) {
      if (!candidate.ends_with(suffix) || candidate.size() == suffix.size()) continue;
      const std::string rest = candidate.size() == address.size() ? "" : number;
      return {candidate.substr(0, candidate.size() - suffix.size()) + rest, std::string(suffix)};
    }
  }
  return {address, ""};
}

// Bits that an operator unpacks from bytes, or 0; directly or behind Reshape.
int64_t packed_bits(const GraphIndex& index, ValueId value, int depth = 0) {
  constexpr int kDeepest = 8;
  for (const ValueUse& use : index.value(value).uses) {
    const NodeInfo& node = index.node(use.node);
    const std::string& op = node.proto->op_type();
    const bool takes_codes =
        (op == "MatMulNBits" && use.input == 1) || (op == "GatherBlockQuantized" && use.input == 0);
    if (takes_codes) return int_attribute(*node.proto, "bits", 4);
    if (op != "Reshape" || node.outputs.empty() || !node.outputs[0].valid() || depth == kDeepest) continue;
    if (const int64_t bits = packed_bits(index, node.outputs[0], depth + 1)) return bits;
  }
  return 0;
}

std::string precision_of(DType dtype, int64_t packed) {
  if (packed > 0) return std::to_string(packed) + " bits";
  switch (dtype) {
    case DType::kInt8:
    case DType::kUint8:
      return "8 bits";
    case DType::kInt4:
    case DType::kUint4:
      return "4 bits";
    case DType::kInt2:
    case DType::kUint2:
      return "2 bits";
    default:
      return std::string(name_of(dtype));
  }
}

class Collector {
 public:
  Collector(const Model& model, const GraphIndex& index) : model_(model), index_(index) {}

  std::vector<StoredWeightBytes> collect() {
    for (const NodeInfo& node : index_.nodes()) {
      const onnx::TensorProto* constant = node.proto->op_type() == "Constant" ? constant_tensor(*node.proto) : nullptr;
      if (constant != nullptr && !node.outputs.empty() && node.outputs[0].valid()) add(*constant, node.outputs[0]);
    }
    for (size_t v = 0; v < index_.values().size(); ++v) {
      const ValueId id{static_cast<int32_t>(v)};
      const ValueInfo& value = index_.value(id);
      if (value.kind == ValueKind::kInitializer && value.initializer != nullptr) add(*value.initializer, id);
    }
    return sorted();
  }

 private:
  void add(const onnx::TensorProto& tensor, ValueId id) {
    const std::string address = index_.address(id);
    const auto stored = model_.stored(tensor, address);
    const Part part = part_of(address);
    StoredWeightBytes& weight = weights_[part.weight];
    weight.name = part.weight;
    weight.bytes += stored->stored_bytes;
    const bool says_the_precision = part.suffix != "_scale" && part.suffix != "_zero_point";
    if (says_the_precision || weight.precision.empty())
      weight.precision = precision_of(stored->dtype, says_the_precision ? packed_bits(index_, id) : 0);
  }

  std::vector<StoredWeightBytes> sorted() {
    std::vector<StoredWeightBytes> result;
    StoredWeightBytes small{"small constants", "other", 0};
    for (auto& [name, weight] : weights_) {
      if (weight.bytes < kInlineLimitBytes) {
        small.bytes += weight.bytes;
      } else {
        result.push_back(std::move(weight));
      }
    }
    std::stable_sort(result.begin(), result.end(), [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
    if (small.bytes > 0) result.push_back(std::move(small));
    return result;
  }

  const Model& model_;
  const GraphIndex& index_;
  std::map<std::string, StoredWeightBytes> weights_;
};

}  // namespace

std::vector<StoredWeightBytes> stored_weights(const std::filesystem::path& model) {
  const auto loaded = Model::load(model);
  const GraphIndex index(loaded->skeleton());
  return Collector(*loaded, index).collect();
}

}  // namespace vetquant
