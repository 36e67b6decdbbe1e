// The processor of this machine, as far as a target profile asks for it.
#pragma once

#include <string>

namespace vetquant {

struct Processor {
  std::string name;  // "AMD EPYC 7763", as the system tells it; "unknown processor" where it does not
  std::string
      instruction_set;  // "avx512_vnni" (AVX-VNNI, too) or "avx2", as in target profiles; "" where none of these
};

Processor this_processor();
Processor processor_of(const std::string& cpuinfo);  // the text of Linux's /proc/cpuinfo

}  // namespace vetquant
