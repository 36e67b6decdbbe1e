#include "vetquant/quant/spec.h"

#include <gmock/gmock.h>

#include "support/error_of.h"
#include "vetquant/quant/algorithm.h"

namespace vetquant {
namespace {

QuantSpec spec_of(DType type, CodeRange range) {
  QuantSpec spec;
  spec.code_type = type;
  spec.range = range;
  return spec;
}

TEST(Spec, RangesAreThoseOfTheHeader) {
  const struct {
    DType type;
    CodeRange range;
    int low, high, middle;
  } cases[] = {
      {DType::kInt8, CodeRange::kFull, -128, 127, 0},   {DType::kInt8, CodeRange::kNarrow, -127, 127, 0},
      {DType::kInt8, CodeRange::k7Bit, -64, 63, 0},     {DType::kUint8, CodeRange::kFull, 0, 255, 128},
      {DType::kUint8, CodeRange::kNarrow, 1, 255, 128}, {DType::kUint8, CodeRange::k7Bit, 0, 127, 64},
      {DType::kInt4, CodeRange::kFull, -8, 7, 0},       {DType::kInt4, CodeRange::kNarrow, -7, 7, 0},
      {DType::kUint4, CodeRange::kFull, 0, 15, 8},      {DType::kUint4, CodeRange::kNarrow, 1, 15, 8},
  };
  for (const auto& c : cases) {
    const QuantSpec spec = spec_of(c.type, c.range);
    EXPECT_EQ(code_min(spec), c.low) << name_of(c.type);
    EXPECT_EQ(code_max(spec), c.high) << name_of(c.type);
    EXPECT_EQ(symmetric_zero_point(spec), c.middle) << name_of(c.type);
  }
}

TEST(AlgorithmSet, UnknownNamesSuggestTheNearest) {
  const AlgorithmSet set;
  EXPECT_EQ(set.find("mse").name(), "mse");
  const Error near = test::error_of([&] { set.find("rtm"); });
  EXPECT_EQ(near.code(), ErrorCode::kUsage);
  EXPECT_STREQ(near.what(), "unknown algorithm 'rtm'; did you mean 'rtn'?");
  EXPECT_STREQ(test::error_of([&] { set.find("gptq-mystery"); }).what(),
               "unknown algorithm 'gptq-mystery'; known are rtn, mse");
}

// An algorithm that brings only what it must.
class Least : public Algorithm {
 public:
  std::string_view name() const override { return "least"; }
  void fit(const QuantSpec&, std::span<const float>, int64_t, std::span<float> scale,
           std::span<float> zero) const override {
    for (float& s : scale) s = 1;
    for (float& z : zero) z = 0;
  }
};

TEST(Algorithm, DefaultsEncodeToNearestAndNeedWholeGroups) {
  const Least least;
  EXPECT_TRUE(least.separable());
  const std::vector<float> values{1.4f, -2.6f};
  std::vector<float> scale(1), zero(1);
  std::vector<uint8_t> codes(2);
  least.quantize({}, values, 2, scale, zero, codes);
  EXPECT_THAT(codes, testing::ElementsAre(1, 253));
  const Error error = test::error_of([&] { least.fit_streamed({}, {}, scale[0], zero[0]); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_STREQ(error.what(), "algorithm 'least' needs whole groups in memory; use a smaller granularity");
}

}  // namespace
}  // namespace vetquant
