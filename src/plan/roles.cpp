#include "roles.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>

namespace vetquant::plan {
namespace {

template <size_t N>
bool is_one_of(const std::string& op, const std::array<std::string_view, N>& list) {
  return std::find(list.begin(), list.end(), op) != list.end();
}

constexpr std::array<std::string_view, 13> kNorms = {"BatchNormalization",
                                                     "InstanceNormalization",
                                                     "LayerNormalization",
                                                     "GroupNormalization",
                                                     "RMSNormalization",
                                                     "LpNormalization",
                                                     "MeanVarianceNormalization",
                                                     "SimplifiedLayerNormalization",
                                                     "SkipLayerNormalization",
                                                     "SkipSimplifiedLayerNormalization",
                                                     "EmbedLayerNormalization",
                                                     "SkipGroupNorm",
                                                     "GroupNorm"};

// Inputs other than the first are settings, or the operator picks values instead of computing with them.
constexpr std::array<std::string_view, 28> kParameters = {"Resize",
                                                          "Upsample",
                                                          "Pad",
                                                          "Clip",
                                                          "Range",
                                                          "OneHot",
                                                          "Dropout",
                                                          "Where",
                                                          "Min",
                                                          "Max",
                                                          "Pow",
                                                          "Mod",
                                                          "Equal",
                                                          "Greater",
                                                          "Less",
                                                          "GreaterOrEqual",
                                                          "LessOrEqual",
                                                          "NonMaxSuppression",
                                                          "TopK",
                                                          "ConstantOfShape",
                                                          "STFT",
                                                          "DFT",
                                                          "MelWeightMatrix",
                                                          "RandomNormalLike",
                                                          "RandomUniformLike",
                                                          "Sign",
                                                          "RoiAlign",
                                                          "GridSample"};

constexpr std::array<std::string_view, 5> kElementwise = {"Add", "Sub", "Mul", "Div", "PRelu"};
constexpr std::array<std::string_view, 3> kRecurrent = {"LSTM", "GRU", "RNN"};
constexpr std::array<std::string_view, 3> kControl = {"If", "Loop", "Scan"};
constexpr std::array<std::string_view, 10> kChain = {"Identity", "Transpose", "Reshape", "Squeeze", "Unsqueeze",
                                                     "Flatten",  "Slice",     "Concat",  "Cast",    "Constant"};

InputRole role_in_product(const std::string& op, int input) {
  if (op == "MatMul" || op == "FusedMatMul" || op == "Einsum") return InputRole::kWeight;
  if (op == "Gemm" || op == "FusedGemm") return input == 2 ? InputRole::kBias : InputRole::kWeight;
  return input == 1 ? InputRole::kWeight : input == 2 ? InputRole::kBias : InputRole::kGeneric;  // Conv and its kin
}

InputRole role_in_recurrent(int input) {
  if (input == 1 || input == 2) return InputRole::kWeight;
  if (input == 3 || input == 7) return InputRole::kBias;  // B, and the peepholes of LSTM
  return input == 0 ? InputRole::kGeneric : InputRole::kState;
}

}  // namespace

bool is_standard(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

std::string qualified_op(const onnx::NodeProto& node) {
  return is_standard(node.domain()) ? node.op_type() : node.domain() + ":" + node.op_type();
}

FunctionNames local_functions(const GraphIndex& index) {
  FunctionNames names;
  for (const onnx::FunctionProto& function : index.skeleton().functions()) {
    names.emplace(function.domain(), function.name());
  }
  return names;
}

bool already_quantized(const onnx::NodeProto& node) {
  const std::string& op = node.op_type();
  if (is_standard(node.domain())) {
    return op.starts_with("QLinear") || op.ends_with("QuantizeLinear") || op == "DequantizeLinear" ||
           op == "ConvInteger" || op == "MatMulInteger";
  }
  if (node.domain() != "com.microsoft") return false;
  return op.find("Quant") != std::string::npos || op.starts_with("QLinear") || op.starts_with("QOrdered") ||
         op.find("NBits") != std::string::npos || op.find("Integer") != std::string::npos ||
         op.starts_with("QAttention") || op.starts_with("QGemm") || op.starts_with("QMoE") || op == "MatMulBnb4" ||
         op == "MatMulFpQ4" || op.starts_with("QEmbed");
}

bool is_chain_operator(const onnx::NodeProto& node) {
  return is_standard(node.domain()) && is_one_of(node.op_type(), kChain);
}

InputRole role_of(const onnx::NodeProto& node, int input, const FunctionNames& functions) {
  const std::string& op = node.op_type();
  if (already_quantized(node)) return InputRole::kQuantized;
  if (functions.contains({node.domain(), op})) return InputRole::kGeneric;
  if (!is_standard(node.domain()) && node.domain() != "com.microsoft") return InputRole::kUnknownDomain;
  if (is_one_of(op, kNorms)) return input == 0 ? InputRole::kGeneric : InputRole::kNorm;
  if (is_one_of(op, kControl)) return InputRole::kState;
  if (is_one_of(op, kParameters)) return InputRole::kParameter;
  if (is_one_of(op, kElementwise)) return InputRole::kElementwise;
  if (is_one_of(op, kRecurrent)) return role_in_recurrent(input);
  if (op == "Gather") return InputRole::kTable;
  if (op == "MatMul" || op == "Gemm" || op == "Conv" || op == "ConvTranspose" || op == "Einsum" ||
      op == "FusedMatMul" || op == "FusedGemm" || op == "FusedConv") {
    return role_in_product(op, input);
  }
  return InputRole::kGeneric;
}

SiteKind kind_of(const onnx::NodeProto& node, int input, const TensorView& view) {
  if (!is_standard(node.domain())) return SiteKind::kOther;
  const std::string& op = node.op_type();
  const size_t rank = view.shape().size();
  if (op == "MatMul") {
    if (input == 0 || rank < 2) return input == 0 ? SiteKind::kMatMulA : SiteKind::kOther;
    return rank == 2 ? SiteKind::kMatMulB : SiteKind::kMatMulBatchedB;
  }
  if (op == "Gemm" && input < 2 && rank == 2) return input == 0 ? SiteKind::kGemmA : SiteKind::kGemmB;
  if (op == "Gather" && input == 0) {
    return rank == 2 && int_attribute(node, "axis", 0) == 0 ? SiteKind::kTable : SiteKind::kGather;
  }
  if (op == "Conv" && input == 1 && rank >= 3) return SiteKind::kConv;
  if (op == "ConvTranspose" && input == 1 && rank >= 3) return SiteKind::kConvTranspose;
  if ((input == 1 || input == 2) && rank == 3) {
    if (op == "LSTM") return SiteKind::kLstmWeight;
    if (op == "GRU" || op == "RNN") return SiteKind::kRecurrentWeight;
  }
  return SiteKind::kOther;
}

std::string never_because(InputRole role, const onnx::NodeProto& node) {
  switch (role) {
    case InputRole::kState:
      return "initial state of " + node.op_type() + ", not a weight";
    case InputRole::kParameter:
      return "a setting of " + node.op_type() + ", not a weight";
    case InputRole::kQuantized:
      return "read by " + qualified_op(node) + ": the node is already quantized";
    case InputRole::kUnknownDomain:
      return "read by " + qualified_op(node) + ": an operator of an unknown domain, left untouched";
    default:
      return {};
  }
}

}  // namespace vetquant::plan
