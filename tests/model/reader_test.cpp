// Reading by tile: how many reads a box costs, and that every type arrives as it was.
#include <cmath>
#include <cstring>

#include "gather.h"
#include "load_fixture.h"

namespace vetquant {
namespace {

using test::kFloat;
using test::random_floats;
using test::TestModel;
using test::view_of;
using testing::ElementsAre;

using Reader = test::Loaded;

struct Cost {
  int64_t reads = 0, elements = 0;
};

Cost cost_of(const std::vector<GatherPlan>& plans) {
  Cost cost;
  for (const auto& plan : plans) {
    int64_t steps = 1;
    for (const auto& dim : plan.outer) steps *= dim.count;
    cost.reads += steps;
    cost.elements += steps * plan.span;
  }
  return cost;
}

TEST(GatherPlan, RowsOfARowMajorMatrixAreOneRead) {
  const auto plans = plan_gather({{64, 1000, 1000}, {1000, 1, 1}}, 5000, 4);
  EXPECT_EQ(cost_of(plans).reads, 1);
  EXPECT_TRUE(plans[0].direct);
  EXPECT_EQ(plans[0].source, 5000);
}

TEST(GatherPlan, ColumnBlockOfANarrowMatrixIsReadWithItsGaps) {
  // 64 of 512 columns, 2048 rows: gaps of 1.8 KB cost less than 2,048 reads.
  const auto cost = cost_of(plan_gather({{2048, 512, 64}, {64, 1, 1}}, 0, 4));
  EXPECT_LE(cost.reads, 20);
  EXPECT_LE(cost.elements, 2048 * 512);
}

TEST(GatherPlan, ColumnBlockOfAWideMatrixIsOneReadPerRow) {
  // 64 of 51,865 columns: a gap is 207 KB.
  const auto cost = cost_of(plan_gather({{512, 51865, 64}, {64, 1, 1}}, 0, 4));
  EXPECT_EQ(cost.reads, 512);
  EXPECT_EQ(cost.elements, 512 * 64);
}

TEST(GatherPlan, TransposedTileIsReadAsItLies) {
  // view[j, i] of 1,536 x 384 stored [384, 1536]: all of it, read in blocks of 256 KiB, none twice.
  const auto cost = cost_of(plan_gather({{1536, 1, 384}, {384, 1536, 1}}, 0, 4));
  EXPECT_LE(cost.reads, 12);
  EXPECT_EQ(cost.elements, 1536 * 384);
}

TEST(GatherPlan, ALongPrimeColumnLeavesARestNotSingleElements) {
  // 1,000,003 is prime and above the buffer's 65,536.
  const auto plans = plan_gather({{1'000'003, 1, 2}, {2, 1'000'003, 1}}, 0, 4);
  const auto cost = cost_of(plans);
  EXPECT_LE(cost.reads, 40);
  EXPECT_EQ(cost.elements, 2 * 1'000'003);
}

TEST(GatherPlan, GatheredElementsAreWhereTheyBelongWhateverTheSplit) {
  constexpr int64_t kRows = 3, kColumns = 300'007;  // prime
  std::vector<float> out(kRows * kColumns, -1);
  for (const auto& plan : plan_gather({{kColumns, 1, kRows}, {kRows, kColumns, 1}}, 0, 4)) {
    gather<float>(
        plan,
        [](uint64_t first, uint64_t count, float* to) {
          for (uint64_t i = 0; i < count; ++i) to[i] = static_cast<float>(first + i);
        },
        out.data());
  }
  for (int64_t c = 0; c < kColumns; ++c) {
    for (int64_t r = 0; r < kRows; ++r) {
      ASSERT_EQ(out[static_cast<size_t>(c * kRows + r)], static_cast<float>(r * kColumns + c));
    }
  }
}

TEST(GatherPlan, ShortRunsFarApartAreTransposedTogether) {
  // 700 of 5,000 columns, 530 rows (more than one buffer of runs), into [columns, rows] and into [columns, 3, rows].
  constexpr int64_t kRows = 530, kColumns = 700, kWide = 5000;
  for (const int64_t apart : {kRows, 3 * kRows}) {
    std::vector<float> out(static_cast<size_t>(kColumns * apart), -1);
    int64_t reads = 0;
    for (const auto& plan : plan_gather({{kColumns, 1, apart}, {kRows, kWide, 1}}, 40, 4)) {
      gather<float>(
          plan,
          [&](uint64_t first, uint64_t count, float* to) {
            ++reads;
            for (uint64_t i = 0; i < count; ++i) to[i] = static_cast<float>(first + i);
          },
          out.data());
    }
    EXPECT_EQ(reads, kRows);
    for (int64_t c = 0; c < kColumns; ++c) {
      for (int64_t r = 0; r < apart; ++r) {
        const float expected = r < kRows ? static_cast<float>(40 + r * kWide + c) : -1.0f;
        ASSERT_EQ(out[static_cast<size_t>(c * apart + r)], expected) << r << "," << c;
      }
    }
  }
}

TEST_F(Reader, TilesOfATransposedMatrixInAFile) {
  constexpr int64_t kRows = 300, kColumns = 700;
  TestModel made;
  const auto values = random_floats(kRows * kColumns, 9);
  made.main().floats("w", {kRows, kColumns}, values);
  const auto model = load(made);
  const TensorView view = view_of(*model, "w").transposed(std::vector<int64_t>{1, 0});
  const Box box{{650, 10}, {50, 280}};
  std::vector<float> tile(box.elements());
  read_floats(view, box, tile);
  for (int64_t i = 0; i < 50; ++i) {
    for (int64_t j = 0; j < 280; ++j) {
      ASSERT_EQ(tile[static_cast<size_t>(i * 280 + j)], values[static_cast<size_t>((10 + j) * kColumns + 650 + i)]);
    }
  }
}

template <class T>
std::string bytes_of_values(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

TEST_F(Reader, HalvesAndBrainFloatsBecomeFloats) {
  std::vector<uint16_t> halves(600, 0x3e00), brains(600, 0x3fc0);
  halves[1] = 0x0001;
  halves[2] = 0xfc00;
  brains[1] = 0x0001;
  TestModel made;
  made.main().initializer(test::raw_tensor("h", onnx::TensorProto::FLOAT16, {600}, bytes_of_values(halves)));
  made.main().initializer(test::raw_tensor("b", onnx::TensorProto::BFLOAT16, {600}, bytes_of_values(brains)));
  const auto model = load(made);
  const auto h = test::floats_of(view_of(*model, "h")), b = test::floats_of(view_of(*model, "b"));
  EXPECT_EQ(h[0], 1.5f);
  EXPECT_EQ(h[1], std::ldexp(1.0f, -24));
  EXPECT_EQ(h[2], -INFINITY);
  EXPECT_EQ(b[0], 1.5f);
  EXPECT_EQ(b[1], std::ldexp(1.0f, -133));
}

TEST_F(Reader, IntegersOfEveryWidthKeepTheirSign) {
  TestModel made;
  auto graph = made.main();
  using onnx::TensorProto;
  graph.initializer(test::raw_tensor("i8", TensorProto::INT8, {2}, bytes_of_values<int8_t>({-128, 127})));
  graph.initializer(test::raw_tensor("u8", TensorProto::UINT8, {2}, bytes_of_values<uint8_t>({0, 255})));
  graph.initializer(test::raw_tensor("i16", TensorProto::INT16, {2}, bytes_of_values<int16_t>({-32768, 1})));
  graph.initializer(test::raw_tensor("u16", TensorProto::UINT16, {1}, bytes_of_values<uint16_t>({65535})));
  graph.initializer(test::raw_tensor("i32", TensorProto::INT32, {1}, bytes_of_values<int32_t>({-2147483647})));
  graph.initializer(test::raw_tensor("u32", TensorProto::UINT32, {1}, bytes_of_values<uint32_t>({4294967295u})));
  graph.initializer(test::raw_tensor("bool", TensorProto::BOOL, {2}, std::string("\x01\x00", 2)));
  graph.initializer(test::raw_tensor("u2", TensorProto::UINT2, {5}, "\xe4\x02"));
  graph.initializer(test::raw_tensor("i2", TensorProto::INT2, {5}, "\xe4\x02"));
  graph.initializer(test::raw_tensor("i4", TensorProto::INT4, {3}, "\x78\x0f"));
  const auto model = load(made);
  EXPECT_THAT(test::ints_of(view_of(*model, "i8")), ElementsAre(-128, 127));
  EXPECT_THAT(test::ints_of(view_of(*model, "u8")), ElementsAre(0, 255));
  EXPECT_THAT(test::ints_of(view_of(*model, "i16")), ElementsAre(-32768, 1));
  EXPECT_THAT(test::ints_of(view_of(*model, "u16")), ElementsAre(65535));
  EXPECT_THAT(test::ints_of(view_of(*model, "i32")), ElementsAre(-2147483647));
  EXPECT_THAT(test::ints_of(view_of(*model, "u32")), ElementsAre(4294967295));
  EXPECT_THAT(test::ints_of(view_of(*model, "bool")), ElementsAre(1, 0));
  EXPECT_THAT(test::ints_of(view_of(*model, "u2")), ElementsAre(0, 1, 2, 3, 2));
  EXPECT_THAT(test::ints_of(view_of(*model, "i2")), ElementsAre(0, 1, -2, -1, -2));
  EXPECT_THAT(test::ints_of(view_of(*model, "i4")), ElementsAre(-8, 7, -1));
}

TEST_F(Reader, RawBytesOfAPackedViewArePackedAgain) {
  TestModel made;
  made.main().initializer(test::raw_tensor("w", onnx::TensorProto::UINT4, {2, 3}, "\x21\x43\x65"));
  const auto model = load(made);
  const TensorView view = view_of(*model, "w");
  std::vector<std::byte> whole(3), turned(3), part(1);
  read_raw(view, 0, 6, whole);
  EXPECT_THAT(whole, ElementsAre(std::byte{0x21}, std::byte{0x43}, std::byte{0x65}));
  read_raw(view.transposed(std::vector<int64_t>{1, 0}), 0, 6, turned);  // 1 4 2 5 3 6
  EXPECT_THAT(turned, ElementsAre(std::byte{0x41}, std::byte{0x52}, std::byte{0x63}));
  read_raw(view, 2, 2, part);
  EXPECT_THAT(part, ElementsAre(std::byte{0x43}));
}

TEST_F(Reader, RawBytesOfComplexNumbersAreCopied) {
  TestModel made;
  const std::string bytes(128 * 16, 'c');
  made.main().initializer(test::raw_tensor("w", onnx::TensorProto::COMPLEX128, {8, 16}, bytes));
  const auto model = load(made);
  std::vector<std::byte> out(16 * 5);
  read_raw(view_of(*model, "w").transposed(std::vector<int64_t>{1, 0}), 3, 5, out);
  EXPECT_EQ(std::memcmp(out.data(), bytes.data(), out.size()), 0);
}

TEST_F(Reader, BoxesOutsideAndBuffersThatDoNotFitAreBugsOfOurs) {
  TestModel made;
  made.main().floats("w", {2, 3}, random_floats(6, 1));
  const auto model = load(made);
  const TensorView view = view_of(*model, "w");
  std::vector<float> out(3);
  EXPECT_EQ(test::error_of([&] { read_floats(view, {{1, 1}, {1, 3}}, out); }).code(), ErrorCode::kInternal);
  EXPECT_EQ(test::error_of([&] { read_floats(view, {{0, 0}, {2, 3}}, out); }).code(), ErrorCode::kInternal);
  EXPECT_EQ(test::error_of([&] { read_floats(view, {{0}, {3}}, out); }).code(), ErrorCode::kInternal);
  std::vector<std::byte> raw(8);
  EXPECT_EQ(test::error_of([&] { read_raw(view, 5, 2, raw); }).code(), ErrorCode::kInternal);
}

}  // namespace
}  // namespace vetquant
