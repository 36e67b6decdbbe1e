#include "vetquant/quant/algorithm.h"

#include "kernels.h"
#include "vetquant/core/error.h"

namespace vetquant {

void Algorithm::fit_streamed(const QuantSpec&, const ReplayValues&, float&, float&) const {
  throw Error(ErrorCode::kUnsupported,
              "algorithm '" + std::string(name()) + "' needs whole groups in memory; use a smaller granularity");
}

void Algorithm::fit_ranges(const QuantSpec&, std::span<const float>, std::span<const float>, std::span<float>,
                           std::span<float>) const {
  throw Error(ErrorCode::kInternal, "algorithm '" + std::string(name()) + "' does not fit by ranges");
}

void Algorithm::encode(const QuantSpec& spec, std::span<const float> values, int64_t length,
                       std::span<const float> scale, std::span<const float> zero_point,
                       std::span<uint8_t> codes) const {
  encode_nearest(spec, values, length, scale, zero_point, codes);
}

void Algorithm::quantize(const QuantSpec& spec, std::span<const float> values, int64_t length, std::span<float> scale,
                         std::span<float> zero_point, std::span<uint8_t> codes) const {
  fit(spec, values, length, scale, zero_point);
  encode(spec, values, length, scale, zero_point, codes);
}

void encode_nearest(const QuantSpec& spec, std::span<const float> values, int64_t length, std::span<const float> scale,
                    std::span<const float> zero_point, std::span<uint8_t> codes) {
  kernels::encode(kernels::CodeRule(spec), values.data(), scale.size(), static_cast<size_t>(length), scale.data(),
                  zero_point.data(), codes.data());
}

void decode(const QuantSpec& spec, std::span<const uint8_t> codes, int64_t length, std::span<const float> scale,
            std::span<const float> zero_point, std::span<float> out) {
  kernels::CodeBytes type = kernels::CodeBytes::kUint8;
  if (spec.code_type == DType::kInt8) type = kernels::CodeBytes::kInt8;
  if (spec.code_type == DType::kInt4) type = kernels::CodeBytes::kInt4;
  if (spec.code_type == DType::kUint4) type = kernels::CodeBytes::kUint4;
  kernels::decode(type, codes.data(), scale.size(), static_cast<size_t>(length), scale.data(), zero_point.data(),
                  out.data());
}

}  // namespace vetquant
