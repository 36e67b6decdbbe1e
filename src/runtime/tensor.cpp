#include "vetquant/runtime/tensor.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "vetquant/core/checked.h"
#include "vetquant/core/error.h"
#include "vetquant/core/half.h"

namespace vetquant {
namespace {

template <class T>
T element(const HostTensor& tensor, uint64_t index) {
  T value;
  std::memcpy(&value, tensor.data.data() + index * sizeof(T), sizeof(T));
  return value;
}

template <class T, class Widen>
std::vector<double> widened(const HostTensor& tensor, Widen widen) {
  const uint64_t count = elements_of(tensor);
  std::vector<double> out(count);
  for (uint64_t i = 0; i < count; ++i) out[i] = static_cast<double>(widen(element<T>(tensor, i)));
  return out;
}

template <class T>
HostTensor narrowed(const HostTensor& source, DType dtype, const std::vector<double>& values) {
  HostTensor out{dtype, source.shape, std::vector<std::byte>(values.size() * sizeof(T))};
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    if constexpr (std::is_integral_v<T>) {
      // 2^digits is the first value that does not fit, and exact as a double where the largest value is not.
      const double limit = std::ldexp(1.0, std::numeric_limits<T>::digits);
      const double least = std::is_signed_v<T> ? -limit : 0;
      if (!(values[i] >= least && values[i] < limit) || std::floor(values[i]) != values[i]) {
        throw Error(ErrorCode::kUsage,
                    "value " + std::to_string(values[i]) + " does not fit " + std::string(name_of(dtype)));
      }
      value = static_cast<T>(values[i]);
    } else {
      value = static_cast<T>(values[i]);
    }
    std::memcpy(out.data.data() + i * sizeof(T), &value, sizeof(T));
  }
  return out;
}

HostTensor halved(const HostTensor& source, DType dtype, const std::vector<double>& values) {
  HostTensor out{dtype, source.shape, std::vector<std::byte>(values.size() * 2)};
  for (size_t i = 0; i < values.size(); ++i) {
    const float value = static_cast<float>(values[i]);
    const uint16_t bits = dtype == DType::kFloat16 ? float_to_half(value) : float_to_bfloat16(value);
    std::memcpy(out.data.data() + 2 * i, &bits, 2);
  }
  return out;
}

template <class T>
HostTensor made(DType dtype, const std::vector<int64_t>& shape, const std::vector<T>& values) {
  HostTensor tensor{dtype, shape, std::vector<std::byte>(values.size() * sizeof(T))};
  if (!values.empty()) std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
  return tensor;
}

}  // namespace

uint64_t elements_of(const HostTensor& tensor) {
  const auto count = checked_elements(tensor.shape);
  if (!count) throw Error(ErrorCode::kUsage, "shape of a tensor is negative or too large: " + describe(tensor));
  return *count;
}

void check_tensor(const HostTensor& tensor, const std::string& name) {
  const auto count = checked_elements(tensor.shape);
  const auto bits = static_cast<uint64_t>(bits_of(tensor.dtype));
  if (bits == 0)
    throw Error(ErrorCode::kUsage, "only tensors of numbers can be handed to a model, not " + describe(tensor), name);
  if (!count || !checked_mul(*count, bits) || bytes_of(tensor.dtype, *count) != tensor.data.size()) {
    throw Error(ErrorCode::kUsage, std::to_string(tensor.data.size()) + " bytes do not fill " + describe(tensor), name);
  }
}

std::string describe(const TensorInfo& info) {
  if (info.dtype == DType::kUndefined) return "not a tensor";
  std::string text = std::string(name_of(info.dtype)) + "[";
  for (size_t i = 0; i < info.shape.size(); ++i) {
    const bool symbol = info.shape[i] < 0;
    const std::string name = i < info.symbols.size() ? info.symbols[i] : "";
    text += (i ? ", " : "") + (symbol ? (name.empty() ? "?" : name) : std::to_string(info.shape[i]));
  }
  return text + "]";
}

std::string describe(const HostTensor& tensor) { return describe(TensorInfo{"", tensor.dtype, tensor.shape, {}}); }

std::vector<double> to_doubles(const HostTensor& tensor) {
  check_tensor(tensor, "");
  const auto same = [](auto value) { return value; };
  switch (tensor.dtype) {
    case DType::kFloat32:
      return widened<float>(tensor, same);
    case DType::kFloat64:
      return widened<double>(tensor, same);
    case DType::kFloat16:
      return widened<uint16_t>(tensor, half_to_float);
    case DType::kBfloat16:
      return widened<uint16_t>(tensor, bfloat16_to_float);
    case DType::kInt8:
      return widened<int8_t>(tensor, same);
    case DType::kUint8:
    case DType::kBool:
      return widened<uint8_t>(tensor, same);
    case DType::kInt16:
      return widened<int16_t>(tensor, same);
    case DType::kUint16:
      return widened<uint16_t>(tensor, same);
    case DType::kInt32:
      return widened<int32_t>(tensor, same);
    case DType::kUint32:
      return widened<uint32_t>(tensor, same);
    case DType::kInt64:
      return widened<int64_t>(tensor, same);
    case DType::kUint64:
      return widened<uint64_t>(tensor, same);
    default:
      throw Error(ErrorCode::kUnsupported, "values of " + std::string(name_of(tensor.dtype)) + " cannot be compared");
  }
}

HostTensor make_floats(const std::vector<int64_t>& shape, const std::vector<float>& values) {
  return made(DType::kFloat32, shape, values);
}

HostTensor make_int64s(const std::vector<int64_t>& shape, const std::vector<int64_t>& values) {
  return made(DType::kInt64, shape, values);
}

HostTensor converted(const HostTensor& tensor, DType dtype) {
  if (tensor.dtype == dtype) return tensor;
  const std::vector<double> values = to_doubles(tensor);
  switch (dtype) {
    case DType::kFloat32:
      return narrowed<float>(tensor, dtype, values);
    case DType::kFloat64:
      return narrowed<double>(tensor, dtype, values);
    case DType::kFloat16:
    case DType::kBfloat16:
      return halved(tensor, dtype, values);
    case DType::kInt8:
      return narrowed<int8_t>(tensor, dtype, values);
    case DType::kUint8:
      return narrowed<uint8_t>(tensor, dtype, values);
    case DType::kInt16:
      return narrowed<int16_t>(tensor, dtype, values);
    case DType::kUint16:
      return narrowed<uint16_t>(tensor, dtype, values);
    case DType::kInt32:
      return narrowed<int32_t>(tensor, dtype, values);
    case DType::kUint32:
      return narrowed<uint32_t>(tensor, dtype, values);
    case DType::kInt64:
      return narrowed<int64_t>(tensor, dtype, values);
    case DType::kUint64:
      return narrowed<uint64_t>(tensor, dtype, values);
    case DType::kBool: {
      HostTensor out{dtype, tensor.shape, std::vector<std::byte>(values.size())};
      for (size_t i = 0; i < values.size(); ++i) out.data[i] = static_cast<std::byte>(values[i] != 0);
      return out;
    }
    default:
      throw Error(ErrorCode::kUnsupported, "values cannot be converted to " + std::string(name_of(dtype)));
  }
}

}  // namespace vetquant
