// The inner loops of quantization, compiled for every instruction set (Highway) and chosen at run time. All of them give
// the same bits at every vector width: what is elementwise is exact or correctly rounded, and sums have 16 lanes of their
// own, whatever the vectors' width, which are combined in one fixed tree.
#pragma once

#include <cstddef>
#include <cstdint>

#include "vetquant/quant/distortion.h"
#include "vetquant/quant/spec.h"

namespace vetquant::kernels {

// How a quotient becomes a code.
struct CodeRule {
  explicit CodeRule(const QuantSpec& spec);
  float low, high;  // the least and the largest code
  bool float_zero;  // ties are those of w / scale + zero_point, not of w / scale
  bool four_bits;
};

// Least and largest value of each group; both NaN where a value is NaN or infinite. Zeros are +0. length > 0
void extremes(const float* values, size_t groups, size_t length, float* least, float* largest);

void encode(const CodeRule& rule, const float* values, size_t groups, size_t length, const float* scale,
            const float* zero_point, uint8_t* codes);

enum class CodeBytes { kUint8, kInt8, kUint4, kInt4 };  // four bits: the high nibble is ignored
void decode(CodeBytes type, const uint8_t* codes, size_t groups, size_t length, const float* scale,
            const float* zero_point, float* out);

// For each candidate c, adds to errors[c] the squared error of `count` values in units of scale[c]^2. Cheap: it
// multiplies by the reciprocal and sums kErrorTile values in floats, which is close enough to search by, not to judge by.
inline constexpr size_t kErrorTile = 512;
void search_errors(const CodeRule& rule, const float* values, size_t count, const float* scale, const float* zero_point,
                   size_t candidates, double* errors);

// The squared error of encode() and decode(), in doubles. Adds up: tiles of a multiple of 16 values give the same `lanes`.
struct ErrorLanes {
  double lane[16] = {};
  double sum() const;
};
void exact_error(const CodeRule& rule, const float* values, size_t count, float scale, float zero_point,
                 ErrorLanes& error);

// Adds `rows` rows of 16 pairs to the lanes of Distortion.
void distortion(const float* reference, const float* value, size_t rows, DistortionLanes& lanes);

void pack_nibbles(const uint8_t* codes, size_t pairs, uint8_t* packed);

}  // namespace vetquant::kernels
