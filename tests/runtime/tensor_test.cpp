#include "vetquant/runtime/tensor.h"

#include <gtest/gtest.h>

#include "vetquant/core/error.h"

namespace vetquant {
namespace {

TEST(Tensor, DescriptionShowsTypeShapeAndSymbols) {
  EXPECT_EQ(describe(TensorInfo{"x", DType::kFloat32, {-1, 80, -1}, {"N", "", ""}}), "fp32[N, 80, ?]");
  EXPECT_EQ(describe(make_int64s({2}, {1, 2})), "int64[2]");
  EXPECT_EQ(describe(TensorInfo{}), "not a tensor");
}

TEST(Tensor, EveryNumericTypeBecomesDoubles) {
  const HostTensor source = make_int64s({4}, {0, 1, 100, 127});
  for (const DType dtype :
       {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBfloat16, DType::kInt8, DType::kUint8, DType::kInt16,
        DType::kUint16, DType::kInt32, DType::kUint32, DType::kInt64, DType::kUint64}) {
    EXPECT_EQ(to_doubles(converted(source, dtype)), (std::vector<double>{0, 1, 100, 127})) << name_of(dtype);
  }
  EXPECT_EQ(to_doubles(converted(source, DType::kBool)), (std::vector<double>{0, 1, 1, 1}));
}

TEST(Tensor, ValuesThatDoNotFitAreRefused) {
  EXPECT_THROW(converted(make_int64s({1}, {128}), DType::kInt8), Error);
  EXPECT_NO_THROW(converted(make_int64s({1}, {-128}), DType::kInt8));
  EXPECT_THROW(converted(make_int64s({1}, {-1}), DType::kUint8), Error);
  EXPECT_THROW(converted(make_floats({1}, {0.5F}), DType::kInt32), Error);
}

TEST(Tensor, BytesMustFillTheShape) {
  HostTensor tensor = make_floats({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_NO_THROW(check_tensor(tensor, "x"));
  tensor.shape = {2, 4};
  try {
    check_tensor(tensor, "x");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_STREQ(error.what(), "x: 24 bytes do not fill fp32[2, 4]");
  }
  tensor.shape = {int64_t{1} << 40, int64_t{1} << 40};
  EXPECT_THROW(check_tensor(tensor, "x"), Error);
  tensor.shape = {-2, -3};
  EXPECT_THROW(check_tensor(tensor, "x"), Error);
  EXPECT_THROW(check_tensor(HostTensor{DType::kString, {0}, {}}, "x"), Error);
}

}  // namespace
}  // namespace vetquant
