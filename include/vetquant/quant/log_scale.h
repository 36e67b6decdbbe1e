// 8-bit scales (ScaleType::kLog8): one of 256 values that all tensors share, spaced by powers of 2.
//
//   code 23..243   2^((code - 243) / 11): 2^-20 to 1 in steps of 6.5 %, where the scales of networks' weights lie
//   code 0..22     2^(-20 - (23 - code) * 50 / 11): down to 2^-124.5, so that no tensor has scales too small
//   code 244..255  2^(2 * (code - 243)): up to 2^24
//
// The nearest value is off by 3.2 % at most within the fine part; where codes would clip, the next one above is taken, by 6.5 %
// at most. On Whisper tiny.en's decoder that cost 0.27 dB of the weights' median SQNR at 8 bits and 0.1 dB at 4 (mse), for half
// the bytes of fp16 scales. The grid stands in the model as a table.
#pragma once

#include <cstdint>
#include <span>

namespace vetquant {

std::span<const float, 256> log8_grid();  // ascending; 1 is exact

// The code of the nearest value of the grid; the lower one of two as near.
uint8_t log8_code(float scale);

// The codes of values of the grid: as many, faster.
void log8_codes(std::span<const float> scales, std::span<uint8_t> codes);

}  // namespace vetquant
