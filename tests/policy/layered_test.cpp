#include <gtest/gtest.h>

#include "vetquant/policy/policy.h"

namespace vetquant {
namespace {

Use use_of(const std::string& text) { return parse_policy("version: 1\ndefaults: " + text + "\n", "f.yaml").defaults; }

TEST(Layered, TheFirstsKeysWinTheFallbackFillsIn) {
  const Use use =
      layered(use_of("{weights: int4, algorithm: mse}"), use_of("{weights: int8, activations: none, algorithm: rtn}"));
  EXPECT_EQ(use.weights, DType::kInt4);
  EXPECT_EQ(use.algorithm, "mse");
  EXPECT_EQ(use.activations, Activations::kNone);
}

TEST(Layered, KeepStaysKeep) {
  EXPECT_TRUE(layered(use_of("keep"), use_of("{weights: int8}")).keep);
  EXPECT_FALSE(layered(use_of("{weights: int8}"), use_of("keep")).keep);
  EXPECT_TRUE(layered(use_of("{block: 32}"), use_of("keep")).keep);
}

TEST(Layered, GranularityAndBlockAreOneWish) {
  const Use channel = layered(use_of("{granularity: channel}"), use_of("{weights: int4, block: 32}"));
  EXPECT_EQ(channel.granularity, Granularity::kChannel);
  EXPECT_EQ(channel.block, std::nullopt);
  const Use block = layered(use_of("{block: 16}"), use_of("{weights: int4, granularity: channel}"));
  EXPECT_EQ(block.granularity, Granularity::kBlock);
  EXPECT_EQ(block.block, 16);
  const Use inherited = layered(use_of("{granularity: block}"), use_of("{weights: int4, block: 64}"));
  EXPECT_EQ(inherited.block, 64);
  EXPECT_EQ(layered(use_of("{weights: int8}"), use_of("{block: 64}")).block, 64);
}

TEST(Layered, SymmetricCodesTakeNoFloatZeroPointFromTheFallback) {
  EXPECT_EQ(layered(use_of("{symmetric: true}"), use_of("{zero_point: float}")).zero_point, std::nullopt);
}

TEST(UseText, SaysWhatTablesShow) {
  EXPECT_EQ(to_string(use_of("keep")), "keep");
  EXPECT_EQ(to_string(use_of("{weights: int4, block: 32, algorithm: mse, form: matmul_nbits}")),
            "int4 block 32 mse matmul_nbits");
  EXPECT_EQ(to_string(use_of("{weights: int8, granularity: channel, symmetric: true, activations: dynamic, "
                             "accuracy_level: 4, scales: fp16}")),
            "int8 per channel symmetric activations dynamic level 4 scales fp16");
}

}  // namespace
}  // namespace vetquant
