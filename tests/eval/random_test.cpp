#include "vetquant/eval/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace vetquant {
namespace {

TEST(Random, TheSameSeedGivesTheSameNumbersAndStreamsDiffer) {
  Random a(7), b(7), other_seed(8), other_stream(7, 1);
  for (int i = 0; i < 100; ++i) {
    const uint64_t value = a.next();
    EXPECT_EQ(value, b.next());
    EXPECT_NE(value, other_seed.next());
    EXPECT_NE(value, other_stream.next());
  }
}

TEST(Random, BelowIsEvenOverItsRange) {
  Random random(1);
  std::vector<int> counts(6, 0);
  for (int i = 0; i < 60'000; ++i) ++counts.at(random.below(6));
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 400);  // about 4.4 standard deviations
}

TEST(Random, NormalHasMeanZeroAndDeviationOne) {
  Random random(2);
  double sum = 0, squares = 0;
  constexpr int kCount = 100'000;
  for (int i = 0; i < kCount; ++i) {
    const double value = random.normal();
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kCount, 0, 0.015);
  EXPECT_NEAR(squares / kCount, 1, 0.02);
}

}  // namespace
}  // namespace vetquant
