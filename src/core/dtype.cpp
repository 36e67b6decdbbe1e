#include "vetquant/core/dtype.h"

namespace vetquant {
namespace {

struct TypeInfo {
  DType type;
  int bits;
  std::string_view name;
};

constexpr TypeInfo kTypes[] = {
    {DType::kFloat32, 32, "fp32"},
    {DType::kUint8, 8, "uint8"},
    {DType::kInt8, 8, "int8"},
    {DType::kUint16, 16, "uint16"},
    {DType::kInt16, 16, "int16"},
    {DType::kInt32, 32, "int32"},
    {DType::kInt64, 64, "int64"},
    {DType::kString, 0, "string"},
    {DType::kBool, 8, "bool"},
    {DType::kFloat16, 16, "fp16"},
    {DType::kFloat64, 64, "fp64"},
    {DType::kUint32, 32, "uint32"},
    {DType::kUint64, 64, "uint64"},
    {DType::kComplex64, 64, "complex64"},
    {DType::kComplex128, 128, "complex128"},
    {DType::kBfloat16, 16, "bf16"},
    {DType::kFloat8E4M3FN, 8, "fp8_e4m3fn"},
    {DType::kFloat8E4M3FNUZ, 8, "fp8_e4m3fnuz"},
    {DType::kFloat8E5M2, 8, "fp8_e5m2"},
    {DType::kFloat8E5M2FNUZ, 8, "fp8_e5m2fnuz"},
    {DType::kUint4, 4, "uint4"},
    {DType::kInt4, 4, "int4"},
    {DType::kFloat4E2M1, 4, "fp4_e2m1"},
    {DType::kFloat8E8M0, 8, "fp8_e8m0"},
    {DType::kUint2, 2, "uint2"},
    {DType::kInt2, 2, "int2"},
};

const TypeInfo* info(DType type) {
  for (const TypeInfo& entry : kTypes) {
    if (entry.type == type) return &entry;
  }
  return nullptr;
}

}  // namespace

int bits_of(DType type) {
  const TypeInfo* found = info(type);
  return found == nullptr ? 0 : found->bits;
}

uint64_t bytes_of(DType type, uint64_t elements) {
  const uint64_t bits = static_cast<uint64_t>(bits_of(type));
  return bits >= 8 ? elements * (bits / 8) : (elements * bits + 7) / 8;
}

bool is_float(DType type) {
  return type == DType::kFloat32 || type == DType::kFloat16 || type == DType::kBfloat16 || type == DType::kFloat64;
}

std::string_view name_of(DType type) {
  const TypeInfo* found = info(type);
  return found == nullptr ? "undefined" : found->name;
}

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const TypeInfo& entry : kTypes) {
    if (entry.name == name) return entry.type;
  }
  return std::nullopt;
}

}  // namespace vetquant
