// Element types of tensors. The numbers are those of ONNX's TensorProto.DataType (onnx.proto, IR 10 and later), so that
// no room needs ONNX's headers to speak of a type.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace vetquant {

enum class DType : int32_t {
  kUndefined = 0,
  kFloat32 = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kFloat64 = 11,
  kUint32 = 12,
  kUint64 = 13,
  kComplex64 = 14,
  kComplex128 = 15,
  kBfloat16 = 16,
  kFloat8E4M3FN = 17,
  kFloat8E4M3FNUZ = 18,
  kFloat8E5M2 = 19,
  kFloat8E5M2FNUZ = 20,
  kUint4 = 21,
  kInt4 = 22,
  kFloat4E2M1 = 23,
  kFloat8E8M0 = 24,
  kUint2 = 25,
  kInt2 = 26,
};

// Bits of one element as stored in raw_data; 0 for strings and unknown types.
int bits_of(DType type);

// Bytes of `elements` elements in raw_data: sub-byte types are packed, the last byte padded. The caller has checked
// that elements * bits does not overflow (see checked.h).
uint64_t bytes_of(DType type, uint64_t elements);

// fp16, bf16, fp32 or fp64: what can be a source of quantization.
bool is_float(DType type);

// "fp32", "fp16", "bf16", "int8", "uint4", ...: the names of the policy file and of every table we print.
std::string_view name_of(DType type);
std::optional<DType> dtype_from_name(std::string_view name);

}  // namespace vetquant
