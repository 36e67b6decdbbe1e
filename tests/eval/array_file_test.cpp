#include "vetquant/eval/array_file.h"

#include <gtest/gtest.h>

#include "eval/npz_support.h"
#include "support/model_builder.h"
#include "vetquant/core/error.h"
#include "vetquant/eval/random.h"

namespace vetquant {
namespace {

using test::npy;
using test::npz;
using test::Pack;
using test::TempFolder;

std::string error_of(const std::filesystem::path& path) {
  try {
    read_arrays(path);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage) << error.what();
    return error.what();
  }
  return "no error";
}

TEST(ArrayFile, ReadsNpyOfEveryType) {
  TempFolder folder;
  const auto floats = read_arrays(folder.write("f.npy", npy<float>("<f4", "2, 3", {1, 2, 3, 4, 5, 6.5})));
  ASSERT_EQ(floats.size(), 1U);
  EXPECT_EQ(floats[0].name, "f");
  EXPECT_EQ(describe(floats[0].tensor), "fp32[2, 3]");
  EXPECT_EQ(to_doubles(floats[0].tensor), (std::vector<double>{1, 2, 3, 4, 5, 6.5}));
  EXPECT_EQ(to_doubles(read_arrays(folder.write("i.npy", npy<int64_t>("<i8", "2,", {-1, 7})))[0].tensor),
            (std::vector<double>{-1, 7}));
  EXPECT_EQ(describe(read_arrays(folder.write("b.npy", npy<uint8_t>("|b1", "1,", {1})))[0].tensor), "bool[1]");
  EXPECT_EQ(describe(read_arrays(folder.write("s.npy", npy<float>("<f4", "", {3})))[0].tensor), "fp32[]");
}

TEST(ArrayFile, FortranOrderBecomesRowMajor) {
  TempFolder folder;
  const auto arrays = read_arrays(folder.write("f.npy", npy<int32_t>("<i4", "2, 3", {1, 4, 2, 5, 3, 6}, "True")));
  EXPECT_EQ(to_doubles(arrays[0].tensor), (std::vector<double>{1, 2, 3, 4, 5, 6}));
}

TEST(ArrayFile, ReadsStoredAndDeflatedArchives) {
  TempFolder folder;
  for (const Pack pack : {Pack::kStored, Pack::kDeflated}) {
    const auto path = folder.write(
        "a.npz", npz({{"x", npy<float>("<f4", "3,", {1, 2, 3})}, {"n", npy<int8_t>("|i1", "2,", {4, 5})}}, pack));
    const auto arrays = read_arrays(path);
    ASSERT_EQ(arrays.size(), 2U);
    EXPECT_EQ(arrays[1].name, "n");
    EXPECT_EQ(to_doubles(arrays[0].tensor), (std::vector<double>{1, 2, 3}));
    EXPECT_EQ(to_doubles(read_array(folder.path(), "a.npz#n")), (std::vector<double>{4, 5}));
  }
}

TEST(ArrayFile, AReferenceNamesOneArray) {
  TempFolder folder;
  folder.write("a.npz", npz({{"pixels", npy<float>("<f4", "1,", {1})}, {"labels", npy<float>("<f4", "1,", {2})}}));
  folder.write("one.npz", npz({{"only", npy<float>("<f4", "1,", {3})}}));
  EXPECT_EQ(to_doubles(read_array(folder.path(), "one.npz")), (std::vector<double>{3}));
  const auto message = [&](const std::string& reference) {
    try {
      read_array(folder.path(), reference);
    } catch (const Error& error) {
      return error.message();
    }
    return std::string();
  };
  EXPECT_EQ(message("a.npz"), "holds 2 arrays; name one: a.npz#pixels");
  EXPECT_EQ(message("a.npz#label"), "has no array 'label'; did you mean 'labels'?");
}

TEST(ArrayFile, WhatIsNoArrayIsRefusedInOneLine) {
  TempFolder folder;
  EXPECT_NE(error_of(folder.write("a.npy", "")).find("is not a .npy array"), std::string::npos);
  EXPECT_NE(error_of(folder.write("a.npy", npy<float>(">f4", "1,", {1}))).find("'>f4'"), std::string::npos);
  EXPECT_NE(
      error_of(folder.write("a.npy", npy<float>("<f4", "2,", {1}))).find("holds 4 bytes where its header says fp32[2]"),
      std::string::npos);
  EXPECT_NE(error_of(folder.write("a.npy", npy<float>("<f4", "4611686018427387904, 4", {1}))).find("holds 4 bytes"),
            std::string::npos);
  EXPECT_NE(error_of(folder.write("a.npy", npy<float>("<f4", "-1,", {1}))).find("broken shape"), std::string::npos);
  EXPECT_NE(error_of(folder.write("a.npz", "PK nothing")).find("not an .npz archive"), std::string::npos);
  EXPECT_NE(error_of(folder.write("a.bin", "x")).find("is not a .npy or .npz file"), std::string::npos);
}

TEST(ArrayFile, ADamagedMemberIsNoticed) {
  TempFolder folder;
  std::string bytes = npz({{"x", npy<float>("<f4", "3,", {1, 2, 3})}});
  bytes[bytes.find("NUMPY") + 130] ^= 1;
  EXPECT_NE(error_of(folder.write("a.npz", bytes)).find("check sum"), std::string::npos);
}

TEST(ArrayFile, ALyingSizeDoesNotAllocate) {
  TempFolder folder;
  std::string bytes = npz({{"x", npy<float>("<f4", "3,", {1, 2, 3})}}, Pack::kDeflated);
  const size_t entry = bytes.find("PK\x01\x02");
  const uint32_t huge = 0xFFFFFFF0;
  std::memcpy(bytes.data() + entry + 24, &huge, sizeof huge);
  EXPECT_NE(error_of(folder.write("a.npz", bytes)).find("larger than it can be"), std::string::npos);
}

// Truncated everywhere, and thousands of seeded mutations: an error or an array, never a crash.
TEST(ArrayFile, NoMutationCrashesTheReader) {
  TempFolder folder;
  const std::string whole =
      npz({{"x", npy<float>("<f4", "3,", {1, 2, 3})}, {"y", npy<int8_t>("|i1", "2,", {4, 5})}}, Pack::kDeflated);
  const auto read = [&](const std::string& bytes) {
    try {
      read_arrays(folder.write("m.npz", bytes));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
    }
  };
  for (size_t length = 0; length < whole.size(); ++length) read(whole.substr(0, length));
  Random random(11);
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = whole;
    for (uint64_t changes = 1 + random.below(4); changes > 0; --changes)
      bytes[random.below(bytes.size())] = static_cast<char>(random.next());
    read(bytes);
  }
  const std::string plain = npy<float>("<f4", "3,", {1, 2, 3});
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = plain;
    for (uint64_t changes = 1 + random.below(4); changes > 0; --changes)
      bytes[random.below(bytes.size())] = static_cast<char>(random.next());
    try {
      parse_npy({reinterpret_cast<const std::byte*>(bytes.data()),
                 reinterpret_cast<const std::byte*>(bytes.data()) + bytes.size()},
                "x");
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace vetquant
