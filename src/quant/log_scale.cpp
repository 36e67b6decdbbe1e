#include "vetquant/quant/log_scale.h"

#include <algorithm>
#include <array>
#include <cmath>

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

std::array<float, 256> make_grid() {
  std::array<float, 256> grid;
  for (int code = 0; code < 256; ++code) {
    const int exponent = exponent_of(code), octave = static_cast<int>(std::floor(exponent / double{kSteps}));
    grid[static_cast<size_t>(code)] =
        static_cast<float>(std::ldexp(kRoots[static_cast<size_t>(exponent - octave * kSteps)], octave));
  }
  return grid;
}

}  // namespace

std::span<const float, 256> log8_grid() {
  static const std::array<float, 256> grid = make_grid();
  return grid;
}

uint8_t log8_code(double scale) {
  const auto grid = log8_grid();
  const auto above = std::lower_bound(grid.begin(), grid.end(), scale);
  if (above == grid.begin()) return 0;
  if (above == grid.end()) return 255;
  const bool down = scale - double{above[-1]} <= double{*above} - scale;
  return static_cast<uint8_t>(above - grid.begin() - (down ? 1 : 0));
}

}  // namespace vetquant
