#include "vetquant/pipeline/processor.h"

#include <gtest/gtest.h>

namespace vetquant {
namespace {

TEST(Processor, IsReadFromTheFirstCore) {
  const Processor processor = processor_of(
      "processor\t: 0\nmodel name\t: AMD EPYC 7763\nflags\t\t: fpu avx avx2 fma\n\n"
      "processor\t: 1\nmodel name\t: another\nflags\t\t: avx512_vnni\n");
  EXPECT_EQ(processor.name, "AMD EPYC 7763");
  EXPECT_EQ(processor.instruction_set, "avx2");
}

TEST(Processor, EitherVnniCounts) {
  EXPECT_EQ(processor_of("flags : avx2 avx512f avx512_vnni").instruction_set, "avx512_vnni");
  EXPECT_EQ(processor_of("flags : avx2 avx_vnni").instruction_set, "avx512_vnni");
}

TEST(Processor, OthersAndNoneAtAllAreNotGuessed) {
  EXPECT_EQ(processor_of("flags : sse2 avx").instruction_set, "");
  EXPECT_EQ(processor_of("").instruction_set, "");
  EXPECT_EQ(processor_of("").name, "unknown processor");
}

}  // namespace
}  // namespace vetquant
