// What will happen to every tensor and node, the rule that decided it, why, and the bytes it takes. Planning reads no
// weights, but for samples of tables that may be tied.
//
// A PlannedTensor is one result that will be stored once: codes + scale (+ zero point), halves, or a plain copy. All its
// uses get it. A PlannedNode says in which form a node is rewritten. Emission (emit/emit.h) executes exactly this.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/model/graph_index.h"
#include "vetquant/policy/policy.h"
#include "vetquant/policy/target.h"
#include "vetquant/quant/activation_parameters.h"
#include "vetquant/quant/activation_statistics.h"
#include "vetquant/quant/spec.h"

namespace vetquant {

enum class Form {
  kKeep,        // stays as it is
  kDequantize,  // codes + DequantizeLinear, com.microsoft's where the opset is too low: small in memory, runs at every call
  kFoldAtLoad,  // codes + Cast, Sub, Mul, which the runtime folds to float at load: small file, float speed and memory
  kDynamicInteger,  // DynamicQuantizeLinear + MatMulInteger (fused by the runtime)
  kMatMulNBits,     // com.microsoft MatMulNBits, 4 or 8 bits by block
  kGatherBlock,     // com.microsoft GatherBlockQuantized: rows dequantized after the look-up
  kGatherRows,      // Gather on codes and on scales, then dequantize the rows: standard operators
  kDynamicLstm,     // com.microsoft DynamicQuantizeLSTM
  kQdq,  // computed between codes of calibrated activations: QuantizeLinear and DequantizeLinear around the node
  kHalfStorage,  // fp16/bf16 stored, Cast to float: folded at load
  kHalfCompute,  // the node computes in fp16
};
std::string_view name_of(Form form);

// How values share scales: one scale for each index of channel_axes (in the stored orientation) and each block of
// block_size along block_axis. No channel axes and no block axis: one scale for the whole tensor.
struct ScaleLayout {
  std::vector<int> channel_axes;  // ascending
  int block_axis = -1;
  int64_t block_size = 0;  // the last block may be ragged
  bool operator==(const ScaleLayout&) const = default;
};
// Shape of the scale tensor: the dims of channel axes and the number of blocks, in axis order; {} for per tensor.
Shape scale_shape(const Shape& shape, const ScaleLayout& layout);

struct Reason {
  std::string rule;         // "decoder feed-forward", "defaults", "target ort-cpu-vnni"
  SourcePosition position;  // of the rule
  std::string text;         // "few rows: MatMulNBits at accuracy_level 4 is the fastest form without loss"
};

// Orientation of `view` by form: kMatMulNBits, and tables shared with it: [N, K], channel axis 0, block axis 1;
// kDynamicInteger [K, N], channel axis 1; kGatherBlock [V, W], channel axis 0, block axis 1; kGatherRows channel axis 0;
// kDynamicLstm [D, I, 4H], channel axes {0, 2} (or {0}); kFoldAtLoad, kDequantize, halves: as the first use sees it.
// stored_type is the code type of the policy (kInt4 stays kInt4 where MatMulNBits stores it with an offset).
struct PlannedTensor {
  int id = -1;
  std::string name;  // address of the weight: its stored tensor, or the value a chain ends in
  TensorView view;   // in the orientation in which codes are stored (transposed already where the form wants it)
  DType source_type = DType::kFloat32;
  DType stored_type = DType::kFloat32;  // codes or halves
  Form form = Form::kKeep;
  QuantSpec spec;  // for codes
  ScaleLayout layout;
  struct WeightUse {
    NodeId node;
    int input = -1;
    bool transposed = false;  // the node sees the last two axes of `view` swapped
  };
  std::vector<WeightUse> uses;
  std::vector<TensorView> proven_equal;  // tied copies, in the orientation of `view`: compared while quantizing
  uint64_t elements = 0;
  uint64_t bytes_before = 0;  // in the source file(s), copies included
  uint64_t bytes_after = 0;   // codes + scale + zero point
  Reason reason;
};

// A node may appear more than once where inputs of it are stored in different storage-only forms (kFoldAtLoad, kDequantize,
// kHalfStorage): those only replace an input. Every other form rewrites the node and comes alone. Half tensors are shared
// by kHalfStorage and kHalfCompute nodes, block tensors by kMatMulNBits and kGatherBlock ones: the node's form counts.
struct PlannedNode {
  NodeId node;
  Form form = Form::kKeep;
  std::vector<int> tensors;  // ids of PlannedTensor
  int accuracy_level = 0;    // MatMulNBits
  Reason reason;
  std::string cost;                           // "dequantizes 4.2 MB at every call", "" where none is known
  int64_t rows = -1;                          // rows of activations the node sees; -1 unknown
  bool rows_at_least = false;                 // unknown dims were taken as 1: `rows` is a lower bound
  DType activation_type = DType::kUndefined;  // kQdq
  Symmetry activation_symmetry = Symmetry::kAsymmetric;
  bool in_range_of_input = false;        // kQdq: Relu or Clip, taken away: the codes of its input end where it clips
  std::optional<double> expected_share;  // of its time in float, by the target's costs; unknown rows count as one
};

// A value that is held in codes: between QuantizeLinear and DequantizeLinear. Values of one group share scale and zero point.
struct PlannedActivation {
  ValueId value;
  DType type = DType::kUint8;
  Symmetry symmetry = Symmetry::kAsymmetric;
  quant::ActivationRange range;  // of all of its group
  quant::ActivationParameters parameters;
  int group = -1;  // the index of the group's first activation
};

// Stored as int32 in units of its input's scale and its weight's.
struct PlannedBias {
  NodeId node;
  int input = 2;
  int weight = -1;  // id of the PlannedTensor
  float input_scale = 1;
  TensorView view;  // [output channels]
};

// A node that computes in float though the policy asks for static activations.
struct FloatNode {
  NodeId node;
  Reason reason;
};

// What self-check decided about a node, by address: it is not to compute between 8-bit codes.
struct PutBack {
  DType type = DType::kFloat32;  // or what its activations become: kUint16, kInt16
  std::string reason;
};
using PutBackNodes = std::map<std::string, PutBack>;

struct KeptWeight {  // a float constant above tensors.min_elements that stays, and why
  std::string name, node, op;
  uint64_t elements = 0, bytes = 0;
  Reason reason;
};

struct Plan {
  std::string policy_name, policy_digest, target_name, target_digest;
  std::vector<PlannedTensor> tensors;
  std::vector<PlannedNode> nodes;  // rewritten nodes only
  std::vector<KeptWeight> kept;
  std::vector<std::string> steps;              // rewrites of the float model that came before
  std::vector<PlannedActivation> activations;  // in the order of the nodes that make or read them
  std::vector<PlannedBias> biases;
  std::vector<FloatNode> float_nodes;
  PutBackNodes put_back;
  std::vector<std::string> notes;  // overridable initializers, unknown domains, saturation risk, ...
  std::vector<std::string> warnings;
  CleanUp clean_up;  // the policy's; what it comes to stands in EmitLog
  bool changes_nothing() const { return nodes.empty(); }
};

struct PlanOptions {
  std::vector<ShapeBinding> shapes;
  const quant::ActivationStatistics* statistics = nullptr;  // for static activations
  PutBackNodes put_back = {};
};

// Errors: kUsage with the rule's position (unmatched rule, conflict of two rules about one tensor, impossible block) ;
// kUnsupported (the target has no such form for the node, on_unsupported: error).
Plan make_plan(const Model& model, const GraphIndex& index, const ConstantFinder& constants, const Policy& policy,
               const TargetProfile& target, const PlanOptions& options);

}  // namespace vetquant
