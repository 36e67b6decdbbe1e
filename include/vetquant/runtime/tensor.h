// Tensors that are handed to a model and come back from it: plain bytes in row-major order, no runtime type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "vetquant/core/dtype.h"

namespace vetquant {

struct HostTensor {
  DType dtype = DType::kUndefined;  // numbers and bool; strings are refused
  std::vector<int64_t> shape;
  std::vector<std::byte> data;  // bytes_of(dtype, elements)
};

struct NamedTensor {
  std::string name;
  HostTensor tensor;
};

// One input or output as the runtime tells it.
struct TensorInfo {
  std::string name;
  DType dtype = DType::kUndefined;   // kUndefined: not a tensor (sequence, map, optional)
  std::vector<int64_t> shape;        // -1 where symbolic or unknown
  std::vector<std::string> symbols;  // per dim, "" where a number or unknown
};

uint64_t elements_of(const HostTensor& tensor);

// Error{kUsage} where data does not have the bytes that type and shape ask for, or the type is not one of numbers.
void check_tensor(const HostTensor& tensor, const std::string& name);

// "float32[1, 80, T]" in the words of every message; -1 without a symbol is shown as "?".
std::string describe(const TensorInfo& info);
std::string describe(const HostTensor& tensor);

// Every element as a double; integers, bool, halves and floats (Error{kUnsupported} for 4-bit and float8 types).
std::vector<double> to_doubles(const HostTensor& tensor);

HostTensor make_floats(const std::vector<int64_t>& shape, const std::vector<float>& values);
HostTensor make_int64s(const std::vector<int64_t>& shape, const std::vector<int64_t>& values);

// The same values in another type: floats are rounded, integers must fit (Error{kUsage}).
HostTensor converted(const HostTensor& tensor, DType dtype);

}  // namespace vetquant
