// Random numbers that are the same on every machine and with every standard library: xoshiro256** (Blackman and Vigna,
// 2018) seeded by SplitMix64. No std::*_distribution.
#pragma once

#include <array>
#include <cstdint>

namespace vetquant {

class Random {
 public:
  explicit Random(uint64_t seed, uint64_t stream = 0);  // streams of one seed are independent
  uint64_t next();
  uint64_t below(uint64_t bound);  // 0 <= result < bound, without bias; bound > 0
  double uniform();                // [0, 1)
  double normal();                 // mean 0, standard deviation 1 (polar method)

 private:
  std::array<uint64_t, 4> state_;
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace vetquant
