#include "vetquant/quant/algorithm.h"

#include <algorithm>
#include <cmath>

#include "vetquant/core/error.h"

namespace vetquant {

void Algorithm::fit_streamed(const QuantSpec&, const ReplayValues&, float&, float&) const {
  throw Error(ErrorCode::kUnsupported, "algorithm '" + std::string(name()) + "' needs whole groups in memory; use a smaller granularity");
}

void Algorithm::encode(const QuantSpec& spec, std::span<const float> values, int64_t length, std::span<const float> scale,
                       std::span<const float> zero_point, std::span<uint8_t> codes) const {
  encode_nearest(spec, values, length, scale, zero_point, codes);
}

void Algorithm::quantize(const QuantSpec& spec, std::span<const float> values, int64_t length, std::span<float> scale,
                         std::span<float> zero_point, std::span<uint8_t> codes) const {
  fit(spec, values, length, scale, zero_point);
  encode(spec, values, length, scale, zero_point, codes);
}

void encode_nearest(const QuantSpec& spec, std::span<const float> values, int64_t length, std::span<const float> scale,
                    std::span<const float> zero_point, std::span<uint8_t> codes) {
  const float low = static_cast<float>(code_min(spec)), high = static_cast<float>(code_max(spec));
  const uint8_t mask = bits_of(spec.code_type) == 4 ? 0x0F : 0xFF;
  const bool float_zero = spec.zero_point == ZeroPointKind::kFloat;
  for (size_t group = 0; group < scale.size(); ++group) {
    const float* from = values.data() + group * static_cast<size_t>(length);
    uint8_t* to = codes.data() + group * static_cast<size_t>(length);
    const float s = scale[group], z = zero_point[group];
    for (int64_t i = 0; i < length; ++i) {
      // With an integer zero point ties are those of w / scale, whatever the zero point.
      const float code = float_zero ? std::nearbyint(from[i] / s + z) : std::nearbyint(from[i] / s) + z;
      to[i] = static_cast<uint8_t>(static_cast<int>(std::min(std::max(code, low), high))) & mask;
    }
  }
}

void decode(const QuantSpec& spec, std::span<const uint8_t> codes, int64_t length, std::span<const float> scale,
            std::span<const float> zero_point, std::span<float> out) {
  for (size_t i = 0; i < codes.size(); ++i) {
    const size_t group = i / static_cast<size_t>(length);
    int code = codes[i];
    if (spec.code_type == DType::kInt8) code = static_cast<int8_t>(codes[i]);
    if (spec.code_type == DType::kInt4) code = (codes[i] & 0x0F) - ((codes[i] & 0x08) << 1);
    if (spec.code_type == DType::kUint4) code = codes[i] & 0x0F;
    out[i] = scale[group] * (static_cast<float>(code) - zero_point[group]);
  }
}

}  // namespace vetquant
