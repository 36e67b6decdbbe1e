// The rewritten graph, still without weights: a new skeleton plus, for every tensor that is new, a declaration (name,
// type, shape) and the recipe that will fill it. Knows no file.
//
// Tensors that stay keep the mark "vetquant.payload" of the source model; new ones carry "vetquant.declared" with an
// index into `declared` (set_mark in model/model.h), unless they are tiny constants, which are inline.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "vetquant/core/half.h"
#include "vetquant/model/model.h"
#include "vetquant/plan/plan.h"
#include "vetquant/quant/spec.h"

namespace vetquant {

// Quantizes one view; fills up to three declared tensors. Codes are stored row-major in the orientation of `source`:
//   codes  source.shape, one byte each, or nibbles packed along the last axis (pack_nibbles of the whole row-major run:
//          for 4 bits the last axis is even, or padded by `pad_last_axis_to`)
//   scale, zero_point  in scale_shape(source.shape, layout); zero points packed as `zero_point_packing` says
struct QuantJob {
  std::string name;  // for messages and the report
  TensorView source;
  std::vector<TensorView> proven_equal;  // must equal `source` exactly: Error{kUsage} naming both where not
  QuantSpec spec;
  ScaleLayout layout;
  int64_t pad_last_axis_to = 0;  // MatMulNBits: K rounded up to whole blocks, padded with the zero point's code; 0 none
  enum class ZeroPointPacking { kAsCodes, kNibblesPerRow, kFloats } zero_point_packing = ZeroPointPacking::kAsCodes;
  // Biases that are stored as int32 in units of input_scale times this weight's scales: [output channels], channel c of scale
  // c modulo their number. Scales are widened where a bias would not fit (least_weight_scale in quant/activation_parameters.h).
  struct Bias {
    TensorView view;
    float input_scale = 1;
  };
  std::vector<Bias> biases;
  uint8_t code_xor = 0;  // 0x80 / 0x08: signed codes stored with an offset (MatMulNBits' symmetric uint8)
};

enum class RecipeKind { kCodes, kScale, kZeroPoint, kBias, kBiasScale, kHalves, kBfloat16s, kCopy };

struct DeclaredTensor {
  std::string name;  // as in the skeleton, for messages
  DType dtype = DType::kUndefined;
  Shape shape;
  RecipeKind kind = RecipeKind::kCopy;
  int job = -1;                          // kCodes, kScale, kZeroPoint, kBias, kBiasScale: index into jobs
  int bias = -1;                         // kBias, kBiasScale: index into the job's biases
  TensorView source;                     // kHalves, kBfloat16s, kCopy (any view, e.g. a baked transpose, in dtype)
  std::vector<TensorView> proven_equal;  // as above, for kHalves and kCopy
  Overflow overflow = Overflow::kClamp;  // kHalves
  uint64_t bytes() const;
};

// What was done to the graph beside the plan, for the report and the model's metadata.
struct EmitLog {
  std::vector<std::string> steps;  // "opset 11 -> 13 (per-axis DequantizeLinear)", "removed 12 dead constants"
};

struct Emitted {
  std::shared_ptr<onnx::ModelProto> skeleton;
  std::vector<DeclaredTensor> declared;
  std::vector<QuantJob> jobs;
  EmitLog log;
};

}  // namespace vetquant
