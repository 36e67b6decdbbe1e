// What every form needs while it rewrites: the plan, the copy of the graph, and the tensors that were declared so far.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "graph_editor.h"
#include "node_writer.h"
#include "vetquant/plan/plan.h"
#include "vetquant/policy/target.h"

namespace vetquant {

// How a form wants the results of a quantization job to lie. Equal counts as `job.layout` gives; only dims may differ.
struct CodesLayout {
  DType code_type = DType::kInt8;  // as declared: packed nibbles are kUint8 (or kInt4, kUint4 as such)
  Shape codes, scale;
  std::optional<Shape> zero_point;  // absent: not stored
  DType zero_point_type = DType::kInt8;
  QuantJob::ZeroPointPacking zero_point_packing = QuantJob::ZeroPointPacking::kAsCodes;
  int64_t pad_last_axis_to = 0;
  uint8_t code_xor = 0;
  bool operator==(const CodesLayout&) const = default;
};

struct StoredCodes {  // names, visible in `scope` and within it
  ScopeId scope;
  CodesLayout layout;
  std::string codes, scale, zero_point;  // scale: as float, cast at load where it is stored in fp16
  int job = -1;
};

class EmitContext {
 public:
  EmitContext(const Model& model, const GraphIndex& index, const Plan& plan, const TargetProfile& target);

  const Plan& plan() const { return plan_; }
  const GraphIndex& index() const { return index_; }
  const TargetProfile& target() const { return target_; }
  GraphEditor& editor() { return editor_; }
  EmitLog& log() { return emitted_.log; }

  const PlannedTensor& tensor(int id) const { return plan_.tensors[tensor_at_.at(id)]; }
  const PlannedNode* planned(NodeId node) const;
  // The planned tensor that `node` reads as its input, or null.
  const PlannedTensor* tensor_at(const PlannedNode& node, int input) const;
  static const PlannedTensor::WeightUse& use_at(const PlannedTensor& tensor, NodeId node, int input);

  // Type and shape of a value of the source, as far as known.
  const ValueType& type(ValueId value) const;
  ScopeId scope_of(const PlannedTensor& tensor) const;  // of all its uses
  int64_t opset(NodeId node) const { return index_.opset(index_.node(node).scope, ""); }
  NodeWriter before(NodeId node);                    // names begin with the node's
  NodeWriter at_start(const PlannedTensor& tensor);  // of its scope; names begin with the tensor's
  std::string base_name(const PlannedTensor& tensor) const;

  // Declared once for each tensor; Error{kInternal} where two forms want it laid out differently.
  const StoredCodes& store_codes(const PlannedTensor& tensor, const CodesLayout& layout);
  struct StoredBias {
    std::string codes, scale;
  };
  // int32 codes and their scales [output channels], made with the codes of the weight, which must have been stored before.
  StoredBias store_bias(const PlannedBias& bias);
  // Halves (or bfloat16s) of the tensor's view; the name.
  const std::string& store_halves(const PlannedTensor& tensor);

  // The tensor as a value of its source's type that the runtime folds or computes at load, in the orientation in which
  // the use wants it: made once (`make` is called in the tensor's scope), then shared.
  template <class Make>
  const std::string& shared_value(const PlannedTensor& tensor, bool transposed, const Make& make) {
    std::string& plain = values_[tensor.id];
    if (plain.empty()) plain = make();
    return transposed ? transposed_value(tensor, plain) : plain;
  }
  // A value made once for each scope and key, such as the quantized form of an activation.
  std::vector<std::string>& scope_cache(ScopeId scope, const std::string& key) {
    return scope_cache_[std::to_string(scope.value) + ":" + key];
  }

  void need_opset(NodeId node, int64_t least, const std::string& what) const;  // else Error{kUnsupported}
  void need_contrib(NodeId node, Form form);                            // imports com.microsoft, or Error{kUnsupported}
  [[noreturn]] void refuse(NodeId node, const std::string& why) const;  // Error{kUnsupported}

  Emitted finish();

 private:
  const std::string& transposed_value(const PlannedTensor& tensor, const std::string& plain);
  std::string float_scale(const PlannedTensor& tensor, const std::string& stored);
  std::string declare(const PlannedTensor& tensor, const std::string& suffix, DeclaredTensor declared);

  const GraphIndex& index_;
  const Plan& plan_;
  const TargetProfile& target_;
  GraphEditor editor_;
  Emitted emitted_;
  std::vector<ValueType> types_;
  std::unordered_map<int, size_t> tensor_at_;  // by PlannedTensor::id
  std::unordered_map<int32_t, const PlannedNode*> planned_;
  std::unordered_map<int, StoredCodes> codes_;
  std::unordered_map<int, std::string> halves_, values_, transposed_;
  std::unordered_map<std::string, std::vector<std::string>> scope_cache_;
};

}  // namespace vetquant
