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

TEST(Processor, OfArmIsToldByItsPartAndFeatures) {
  const Processor arm =
      processor_of("processor : 0\nFeatures : fp asimd asimdhp asimddp\nCPU implementer : 0x41\nCPU part : 0xd0c\n");
  EXPECT_EQ(arm.name, "ARM processor, part 0xd0c");
  EXPECT_EQ(arm.instruction_set, "neon_dotprod");
  EXPECT_EQ(processor_of("Features : fp asimd\nCPU part : 0xd03\n").instruction_set, "");
}

}  // namespace
}  // namespace vetquant
