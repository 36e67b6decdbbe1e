// Scale and zero point of an activation from the range of its values.
//
//   x ~ scale * (code - zero_point);   code in [code_min, code_max] of the type
//
// Zero is exact, so that padding and Relu are: the range is widened to hold it. Asymmetric: scale = (high - low) / (codes - 1),
// zero_point = code_min - low / scale, rounded to nearest even. Symmetric: scale = max(|low|, |high|) / largest positive code,
// zero point 0 for signed types, the middle (128, 32768) for unsigned ones. Jacob et al. 2018, eq. (1).
#pragma once

#include "vetquant/core/dtype.h"
#include "vetquant/quant/activation_statistics.h"
#include "vetquant/quant/spec.h"

namespace vetquant::quant {

struct ActivationParameters {
  float scale = 1;
  int zero_point = 0;
  bool operator==(const ActivationParameters&) const = default;
};

// type: kUint8, kInt8, kUint16 or kInt16. A range of zero alone gets scale 1. Scales are normal floats, whatever the range.
ActivationParameters activation_parameters(const ActivationRange& range, DType type, Symmetry symmetry);

int least_code(DType type);    // 0, -128, -32768
int largest_code(DType type);  // 255, 127, 65535, 32767

// A bias as int32 in units of input_scale * weight_scale. Its codes stay within a half of the type, so that the other half is
// left to the sum of the products that it is added to; where it would not, the weight's scale has to be at least this.
//
// least_weight_scale: 0 where any will do (a bias of zero).
float least_weight_scale(float bias, float input_scale);
float bias_scale(float input_scale, float weight_scale);  // rounded to float, as runtimes compute it
int32_t bias_code(float bias, float input_scale, float weight_scale);

}  // namespace vetquant::quant
