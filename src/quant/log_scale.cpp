#include "vetquant/quant/log_scale.h"

#include <array>
#include <bit>
#include <cstddef>
#include <limits>

#include "grid_kernels.h"
#include "log_grid.h"

namespace vetquant {
namespace {

constexpr int kSteps = 11;  // an octave
// 2^(i / 11); written out, as library functions may differ in the last bit.
constexpr std::array<double, kSteps> kRoots = {1.0,
                                               1.0650410894399627,
                                               1.1343125221954626,
                                               1.2080894444044472,
                                               1.2866648980094317,
                                               1.3703509847201236,
                                               1.4594801056814461,
                                               1.5544062817709192,
                                               1.6555065597696215,
                                               1.7631825099920424,
                                               1.8778618213234126};

// The exponent of 2, in elevenths.
constexpr int exponent_of(int code) {
  if (code < 23) return -20 * kSteps - (23 - code) * 50;
  if (code <= 243) return code - 243;
  return 2 * kSteps * (code - 243);
}

constexpr float value_of(int code) {
  int exponent = exponent_of(code);
  double power = 1;
  for (; exponent < 0; exponent += kSteps) power /= 2;
  for (; exponent >= kSteps; exponent -= kSteps) power *= 2;
  return static_cast<float>(power * kRoots[static_cast<size_t>(exponent)]);
}

constexpr float rounded_down(double positive) {
  const auto nearest = static_cast<float>(positive);
  return double{nearest} > positive ? std::bit_cast<float>(std::bit_cast<uint32_t>(nearest) - 1) : nearest;
}

constexpr LogGrid make_grid() {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  LogGrid grid{};
  for (int code = 0; code < 256; ++code) grid.value[code] = value_of(code);
  grid.value[256] = grid.middle[255] = kInfinity;
  for (int code = 0; code < 255; ++code)
    grid.middle[code] = rounded_down((double{grid.value[code]} + double{grid.value[code + 1]}) / 2);
  int32_t place = 0;
  for (size_t bin = 0; bin < LogGrid::kBins; ++bin) {
    const float least = std::bit_cast<float>(static_cast<uint32_t>(bin << LogGrid::kDroppedBits));
    while (place < 255 && grid.value[place + 1] <= least) ++place;
    grid.floor_of_bin[bin] = place;
  }
  return grid;
}

constexpr LogGrid kGrid = make_grid();

constexpr bool one_value_a_bin() {
  for (size_t bin = 1; bin < LogGrid::kBins; ++bin) {
    if (kGrid.floor_of_bin[bin] > kGrid.floor_of_bin[bin - 1] + 1) return false;
  }
  return true;
}
static_assert(one_value_a_bin());

}  // namespace

constinit const LogGrid kLogGrid = kGrid;

std::span<const float, 256> log8_grid() { return std::span<const float, 256>(kLogGrid.value, 256); }

uint8_t log8_code(float scale) {
  if (!(scale > kLogGrid.value[0])) return 0;
  if (scale >= kLogGrid.value[255]) return 255;
  const size_t place = floor_place(scale);
  return static_cast<uint8_t>(place + (scale > kLogGrid.middle[place] ? 1 : 0));
}

void log8_codes(std::span<const float> scales, std::span<uint8_t> codes) {
  kernels::grid_codes(scales.data(), scales.size(), codes.data());
}

}  // namespace vetquant
