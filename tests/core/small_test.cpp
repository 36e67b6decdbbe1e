// checked.h, dtype.h, error.h, interrupt.h, hash.h
#include <gmock/gmock.h>
#include <signal.h>
#include <stdlib.h>
#include <xxhash.h>

#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "support/error_of.h"
#include "support/model_builder.h"
#include "vetquant/core/checked.h"
#include "vetquant/core/dtype.h"
#include "vetquant/core/environment.h"
#include "vetquant/core/error.h"
#include "vetquant/core/hash.h"
#include "vetquant/core/interrupt.h"

namespace vetquant {
namespace {

TEST(Checked, OverflowIsAnAnswer) {
  EXPECT_EQ(checked_add(1, 2), 3u);
  EXPECT_EQ(checked_add(UINT64_MAX, 0), UINT64_MAX);
  EXPECT_EQ(checked_add(UINT64_MAX, 1), std::nullopt);
  EXPECT_EQ(checked_mul(1u << 31, 2), uint64_t{1} << 32);
  EXPECT_EQ(checked_mul(uint64_t{1} << 32, uint64_t{1} << 32), std::nullopt);
}

TEST(Checked, ElementsOfShapes) {
  const auto elements = [](std::vector<int64_t> dims) { return checked_elements(dims); };
  EXPECT_EQ(elements({}), 1u);
  EXPECT_EQ(elements({2, 3, 4}), 24u);
  EXPECT_EQ(elements({5, 0, 7}), 0u);
  EXPECT_EQ(elements({-1}), std::nullopt);
  EXPECT_EQ(elements({0, -1}), std::nullopt);
  EXPECT_EQ(elements({int64_t{1} << 62}), uint64_t{1} << 62);
  EXPECT_EQ(elements({int64_t{1} << 62, 2}), std::nullopt);
  EXPECT_EQ(elements({int64_t{1} << 40, int64_t{1} << 40}), std::nullopt);
  EXPECT_EQ(elements({0, int64_t{1} << 40, int64_t{1} << 40}), std::nullopt) << "later code may divide by the zero";
  EXPECT_EQ(elements({INT64_MAX}), std::nullopt);
}

TEST(Environment, VariablesAreReplacedAndNothingElse) {
  ::setenv("VETQUANT_TEST", "a b", 1);
  ::setenv("VETQUANT_EMPTY", "", 1);
  EXPECT_EQ(with_variables("x/${VETQUANT_TEST}/${VETQUANT_TEST}.onnx"), "x/a b/a b.onnx");
  EXPECT_EQ(with_variables("$VETQUANT_TEST {x} $ 5$"), "$VETQUANT_TEST {x} $ 5$");
  for (const char* bad : {"${VETQUANT_EMPTY}", "${VETQUANT_TEST", "${}", "${a=b}"})
    EXPECT_EQ(test::error_of([&] { with_variables(bad); }).code(), ErrorCode::kUsage) << bad;
}

TEST(DType, NumbersAreOnnxs) {
  EXPECT_EQ(static_cast<int>(DType::kFloat32), 1);
  EXPECT_EQ(static_cast<int>(DType::kFloat16), 10);
  EXPECT_EQ(static_cast<int>(DType::kBfloat16), 16);
  EXPECT_EQ(static_cast<int>(DType::kUint4), 21);
  EXPECT_EQ(static_cast<int>(DType::kInt4), 22);
}

TEST(DType, NamesGoBothWays) {
  for (int i = 1; i <= 26; ++i) {
    const DType type = static_cast<DType>(i);
    EXPECT_EQ(dtype_from_name(name_of(type)), type) << i;
  }
  EXPECT_EQ(name_of(DType::kUndefined), "undefined");
  EXPECT_EQ(name_of(static_cast<DType>(99)), "undefined");
  EXPECT_EQ(dtype_from_name("float"), std::nullopt);
  EXPECT_EQ(dtype_from_name("undefined"), std::nullopt);
}

TEST(DType, SubByteTypesArePacked) {
  EXPECT_EQ(bytes_of(DType::kInt4, 0), 0u);
  EXPECT_EQ(bytes_of(DType::kInt4, 3), 2u);
  EXPECT_EQ(bytes_of(DType::kUint2, 5), 2u);
  EXPECT_EQ(bytes_of(DType::kFloat16, 3), 6u);
  EXPECT_EQ(bytes_of(DType::kBool, 3), 3u);
  EXPECT_EQ(bytes_of(DType::kComplex128, 2), 32u);
  EXPECT_EQ(bits_of(DType::kString), 0);
  EXPECT_EQ(bits_of(static_cast<DType>(99)), 0);
  EXPECT_TRUE(is_float(DType::kBfloat16));
  EXPECT_FALSE(is_float(DType::kFloat8E5M2));
}

TEST(Error, ReadsWhereThenWhat) {
  const Error error(ErrorCode::kUsage, "block 48 does not divide K=4096; use 32", "policy.yaml:12:9");
  EXPECT_STREQ(error.what(), "policy.yaml:12:9: block 48 does not divide K=4096; use 32");
  EXPECT_EQ(error.where(), "policy.yaml:12:9");
  EXPECT_EQ(error.message(), "block 48 does not divide K=4096; use 32");
  EXPECT_EQ(static_cast<int>(error.code()), 2);
  EXPECT_STREQ(Error(ErrorCode::kIo, "disk full").what(), "disk full");
}

TEST(Interrupt, ASignalBecomesAnErrorAtTheNextCheck) {
  interrupt::install_handlers();
  interrupt::hold();
  for (const int signal : {SIGINT, SIGTERM}) {
    EXPECT_FALSE(interrupt::requested());
    interrupt::check();
    raise(signal);
    EXPECT_TRUE(interrupt::requested());
    const Error error = test::error_of([] { interrupt::check(); });
    EXPECT_EQ(error.code(), ErrorCode::kInterrupted);
    EXPECT_STREQ(error.what(), "interrupted; nothing was written");
    interrupt::clear();
  }
}

// xxhsum -H2 says the same of these.
TEST(Hash, DigestsAreThoseOfXxhsum) {
  EXPECT_EQ(digest_of(""), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(digest_of("abc"), "06b05ab6733a618578af5f94892f3950");
}

TEST(Hash, PiecesGiveTheDigestOfTheWhole) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += static_cast<char>(i * 7 + i / 256);
  Hasher hasher;
  for (size_t at = 0; at < text.size(); at += 777) hasher.update(std::string_view(text).substr(at, 777));
  EXPECT_EQ(hasher.hex(), digest_of(text));
  EXPECT_EQ(hasher.hex(), digest_of(text)) << "asking changes nothing";
}

// On processors with AVX2 that is another loop than the library's.
TEST(Hash, DigestsAreThoseOfTheLibraryForPiecesOfAnySize) {
  std::string text;
  for (uint32_t i = 0, bits = 1; i < 300000; ++i) text += static_cast<char>((bits = bits * 1664525 + 1013904223) >> 24);
  for (const size_t bytes : {1, 63, 64, 240, 241, 256, 257, 1024, 5000, 262144}) {
    const std::string part = text.substr(0, text.size() - bytes % 100);
    Hasher hasher;
    for (size_t at = 0; at < part.size(); at += bytes) hasher.update(std::string_view(part).substr(at, bytes));
    const XXH128_hash_t expected = XXH3_128bits(part.data(), part.size());
    char hex[33];
    std::snprintf(hex, sizeof hex, "%016" PRIx64 "%016" PRIx64, uint64_t{expected.high64}, uint64_t{expected.low64});
    EXPECT_EQ(hasher.hex(), hex) << bytes;
  }
}

TEST(Hash, FilesAreReadToTheEnd) {
  const test::TempFolder folder;
  const std::string text((3 << 20) + 17, 'x');
  const auto file = ReadFile::open(folder.write("f", text), ErrorCode::kUsage);
  EXPECT_EQ(digest_of(*file), digest_of(text));
  const auto empty = ReadFile::open(folder.write("e", std::string_view()), ErrorCode::kUsage);
  EXPECT_EQ(digest_of(*empty), digest_of(""));
}

TEST(Hash, AnInterruptStopsTheHashingOfAFile) {
  const test::TempFolder folder;
  const auto file = ReadFile::open(folder.write("f", std::string_view("abc")), ErrorCode::kUsage);
  interrupt::request();
  EXPECT_EQ(test::error_of([&] { digest_of(*file); }).code(), ErrorCode::kInterrupted);
  interrupt::clear();
}

}  // namespace
}  // namespace vetquant
