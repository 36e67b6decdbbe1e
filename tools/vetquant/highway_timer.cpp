// Highway's shared library measures the resolution of the processor's timer whenever it is loaded, for a benchmark
// helper that we do not use: 4 ms of every start. The dynamic loader takes this definition before the library's own.
// Where Highway has no such function, or is linked statically, nobody calls it.
#include <cstdint>

namespace hwy::platform {

uint64_t TimerResolution();  // as hwy/nanobenchmark.h declares it
uint64_t TimerResolution() { return 1; }

}  // namespace hwy::platform
