#include "samples.h"

#include <cmath>

namespace vetquant::plan {
namespace {

constexpr int kMaskSamples = 64;
constexpr float kStandsForInfinity = 1e9F;

uint64_t splitmix(uint64_t x) {  // Steele, Lea, Flood 2014
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

}  // namespace

std::vector<Shape> sample_positions(const Shape& shape, int count) {
  std::vector<Shape> positions;
  for (int64_t dim : shape) {
    if (dim <= 0) return positions;
  }
  uint64_t state = 1;
  for (int i = 0; i < count; ++i) {
    Shape position;
    for (int64_t dim : shape) position.push_back(static_cast<int64_t>(splitmix(state++) % static_cast<uint64_t>(dim)));
    positions.push_back(std::move(position));
  }
  return positions;
}

std::vector<float> sample_at(const TensorView& view, const std::vector<Shape>& positions) {
  std::vector<float> values(positions.size());
  const Shape one(view.shape().size(), 1);
  for (size_t i = 0; i < positions.size(); ++i) {
    read_floats(view, Box{.start = positions[i], .extent = one}, std::span<float>(&values[i], 1));
  }
  return values;
}

bool looks_like_mask(const TensorView& view) {
  for (float value : sample_at(view, sample_positions(view.shape(), kMaskSamples))) {
    if (!std::isfinite(value) || std::abs(value) >= kStandsForInfinity) return true;
  }
  return false;
}

}  // namespace vetquant::plan
