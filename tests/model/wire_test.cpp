#include "vetquant/model/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/error_of.h"

namespace vetquant {
namespace {

using test::error_of;

std::vector<WireField> fields_of(const std::vector<uint8_t>& bytes) {
  WireReader reader(bytes, 0, bytes.size());
  std::vector<WireField> fields;
  for (WireField field; reader.next(field);) fields.push_back(field);
  return fields;
}

TEST(Wire, ReadsEveryWireType) {
  // 1: varint 150; 2: bytes "ab"; 3: fixed32 1; 4: fixed64 2
  const auto fields =
      fields_of({0x08, 0x96, 0x01, 0x12, 0x02, 'a', 'b', 0x1d, 1, 0, 0, 0, 0x21, 2, 0, 0, 0, 0, 0, 0, 0});
  ASSERT_EQ(fields.size(), 4u);
  EXPECT_EQ(fields[0].number, 1u);
  EXPECT_EQ(fields[0].varint, 150u);
  EXPECT_EQ(fields[1].type, WireType::kBytes);
  EXPECT_EQ(fields[1].begin, 3u);
  EXPECT_EQ(fields[1].payload, 5u);
  EXPECT_EQ(fields[1].length, 2u);
  EXPECT_EQ(fields[2].varint, 1u);
  EXPECT_EQ(fields[3].varint, 2u);
}

TEST(Wire, RefusesWhatIsMalformed) {
  const std::vector<std::pair<std::vector<uint8_t>, std::string>> cases = {
      {{0x08}, "in the middle of a number"},
      {{0x08, 0x80}, "in the middle of a number"},
      {{0x12, 0x03, 'a', 'b'}, "longer than its message"},
      {{0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, "longer than its message"},
      {{0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}, "longer than 64 bits"},
      {{0x0b}, "unknown wire type 3"},
      {{0x00, 0x00}, "impossible number 0"},
      {{0x1d, 1, 0, 0}, "in the middle of a number"},
  };
  for (const auto& [bytes, message] : cases) {
    const Error error = error_of([&] { fields_of(bytes); });
    EXPECT_EQ(error.code(), ErrorCode::kBadModel);
    EXPECT_THAT(error.message(), testing::HasSubstr(message));
  }
}

TEST(Wire, WritesWhatItReads) {
  std::string out;
  append_tag(out, 1, WireType::kVarint);
  append_varint(out, 300);
  append_tag(out, 16, WireType::kBytes);
  append_varint(out, 0);
  EXPECT_EQ(out, std::string("\x08\xac\x02\x82\x01\x00", 6));
}

TEST(Wire, VarintSizeCountsGroupsOfSevenBits) {
  EXPECT_EQ(varint_size(0), 1u);
  EXPECT_EQ(varint_size(127), 1u);
  EXPECT_EQ(varint_size(128), 2u);
  EXPECT_EQ(varint_size((1ull << 35) - 1), 5u);
  EXPECT_EQ(varint_size(~0ull), 10u);
}

}  // namespace
}  // namespace vetquant
