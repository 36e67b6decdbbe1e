// What codes a tensor gets: the words of the policy's `use`, resolved.
//
//   w ~ scale * (code - zero_point);   code in [code_min, code_max];   scale > 0, never a reciprocal
//
// Ranges (Krishnamoorthi 2018, section 2): full int8 [-128,127], narrow [-127,127], 7-bit [-64,63] (for processors whose
// U8S8 products saturate); uint8 [0,255], narrow [1,255], 7-bit [0,127]; int4 full [-8,7], narrow [-7,7]; uint4 [0,15],
// narrow [1,15]. Symmetric: the zero point is 0 for signed codes and the middle (128, 8, 64) for unsigned ones, where
// scale = max|w| / code_max' with code_max' the largest code reachable on the side that needs it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "vetquant/core/dtype.h"

namespace vetquant {

enum class Symmetry { kSymmetric, kAsymmetric };
enum class CodeRange { kFull, kNarrow, k7Bit };
enum class ZeroPointKind { kInteger, kFloat };
// How scales are stored. They are rounded to what can be stored first, and codes chosen for the rounded scale.
enum class ScaleType {
  kFloat32,
  kFloat16,
  kLog8,  // 8 bits on a logarithmic grid: log_scale.h
};

struct QuantSpec {
  DType code_type = DType::kInt8;  // kInt8, kUint8, kInt4, kUint4
  Symmetry symmetry = Symmetry::kSymmetric;
  CodeRange range = CodeRange::kFull;
  ZeroPointKind zero_point = ZeroPointKind::kInteger;
  ScaleType scale_type = ScaleType::kFloat32;
  std::string algorithm = "rtn";
  bool operator==(const QuantSpec&) const = default;
};

std::string_view name_of(ScaleType type);  // fp32, fp16, log8
int bytes_of(ScaleType type);              // 4, 2, 1

int code_min(const QuantSpec& spec);
int code_max(const QuantSpec& spec);
int symmetric_zero_point(const QuantSpec& spec);  // 0, 128, 64 or 8

}  // namespace vetquant
