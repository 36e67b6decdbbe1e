#include "vetquant/quant/pack.h"

#include <gmock/gmock.h>

#include <vector>

#include "values.h"

namespace vetquant {
namespace {

using testing::ElementsAre;

TEST(Pack, LowNibbleComesFirstAndAMissingLastOneIsZero) {
  const std::vector<uint8_t> codes{1, 2, 0xF, 0x8, 3};
  std::vector<uint8_t> packed(3);
  pack_nibbles(codes, packed);
  EXPECT_THAT(packed, ElementsAre(0x21, 0x8F, 0x03));
}

TEST(Pack, OnlyTheLowNibbleOfACodeCounts) {
  const std::vector<uint8_t> codes{0xF1, 0xE2};
  std::vector<uint8_t> packed(1);
  pack_nibbles(codes, packed);
  EXPECT_THAT(packed, ElementsAre(0x21));
}

TEST(Pack, EveryLengthComesBackOnEveryInstructionSet) {
  test::Random random(3);
  test::for_each_instruction_set([&](const std::string& instructions) {
    for (size_t length = 0; length < 300; ++length) {
      std::vector<uint8_t> codes(length), packed((length + 1) / 2), back(length, 0xCC);
      for (uint8_t& code : codes) code = static_cast<uint8_t>(random.bits() & 0xF);
      pack_nibbles(codes, packed);
      for (size_t i = 0; i < length; ++i) {
        ASSERT_EQ(i % 2 == 0 ? packed[i / 2] & 0xF : packed[i / 2] >> 4, codes[i]) << instructions << ", " << length;
      }
      if (length % 2 != 0) {
        ASSERT_EQ(packed.back() >> 4, 0);
      }
      unpack_nibbles(packed, back);
      ASSERT_EQ(back, codes) << instructions << ", " << length;
    }
  });
}

}  // namespace
}  // namespace vetquant
