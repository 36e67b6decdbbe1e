#include "vetquant/quant/log_scale.h"

#include <array>
#include <bit>
#include <cstddef>

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

constexpr std::array<float, 256> make_grid() {
  std::array<float, 256> grid{};
  for (int code = 0; code < 256; ++code) {
    int exponent = exponent_of(code);
    double power = 1;
    for (; exponent < 0; exponent += kSteps) power /= 2;
    for (; exponent >= kSteps; exponent -= kSteps) power *= 2;
    grid[static_cast<size_t>(code)] = static_cast<float>(power * kRoots[static_cast<size_t>(exponent)]);
  }
  return grid;
}

constexpr std::array<float, 256> kGrid = make_grid();

// Floats that share their exponent and five bits of their mantissa lie within 3.1 %, between neighbours of the grid but for one
// step: the first value of the grid that is not below the least of them.
constexpr int kDroppedBits = 18;
constexpr size_t bin_of(float positive) { return std::bit_cast<uint32_t>(positive) >> kDroppedBits; }

constexpr auto make_starts() {
  std::array<uint8_t, size_t{1} << (31 - kDroppedBits)> starts{};
  size_t code = 0;
  for (size_t bin = 0; bin < starts.size(); ++bin) {
    while (code < 255 && bin_of(kGrid[code]) < bin) ++code;
    starts[bin] = static_cast<uint8_t>(code);
  }
  return starts;
}

constexpr auto kStarts = make_starts();

}  // namespace

std::span<const float, 256> log8_grid() { return kGrid; }

uint8_t log8_code(double scale) {
  if (!(scale > double{kGrid.front()})) return 0;
  if (scale > double{kGrid.back()}) return 255;
  size_t above = kStarts[bin_of(static_cast<float>(scale))];  // the first that is not below `scale`, nearly
  while (double{kGrid[above]} < scale) ++above;
  while (double{kGrid[above - 1]} >= scale) --above;
  const bool down = scale - double{kGrid[above - 1]} <= double{kGrid[above]} - scale;
  return static_cast<uint8_t>(above - (down ? 1 : 0));
}

}  // namespace vetquant
