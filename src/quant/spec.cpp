#include "vetquant/quant/spec.h"

namespace vetquant {
namespace {

bool is_signed(DType type) { return type == DType::kInt8 || type == DType::kInt4; }
int half_levels(const QuantSpec& spec) {  // 128, 64 or 8
  if (spec.code_type == DType::kInt4 || spec.code_type == DType::kUint4) return 8;
  return spec.range == CodeRange::k7Bit ? 64 : 128;
}

}  // namespace

int code_min(const QuantSpec& spec) {
  const int narrow = spec.range == CodeRange::kNarrow ? 1 : 0;
  return is_signed(spec.code_type) ? -half_levels(spec) + narrow : narrow;
}

int code_max(const QuantSpec& spec) {
  return is_signed(spec.code_type) ? half_levels(spec) - 1 : 2 * half_levels(spec) - 1;
}

std::string_view name_of(ScaleType type) {
  return type == ScaleType::kFloat32 ? "fp32" : type == ScaleType::kFloat16 ? "fp16" : "log8";
}

int bytes_of(ScaleType type) { return type == ScaleType::kFloat32 ? 4 : type == ScaleType::kFloat16 ? 2 : 1; }

int symmetric_zero_point(const QuantSpec& spec) { return is_signed(spec.code_type) ? 0 : half_levels(spec); }

}  // namespace vetquant
