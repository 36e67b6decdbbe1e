// Compiled for AVX2 whatever the others are compiled for: nothing that other files may share (templates, inline functions of
// the standard library) belongs in here, or a processor without AVX2 could be handed this file's copy of it.
#include "hash_avx2.h"

#if defined(__AVX2__)

#define XXH_INLINE_ALL
#define XXH_VECTOR 2  // XXH_AVX2, whose name is not defined yet
#include <xxhash.h>

namespace vetquant {

bool has_xxh3_avx2() { return __builtin_cpu_supports("avx2") != 0; }

void xxh3_update_avx2(void* state, const void* data, size_t bytes) {
  XXH3_128bits_update(static_cast<XXH3_state_t*>(state), data, bytes);
}

}  // namespace vetquant

#else

namespace vetquant {

bool has_xxh3_avx2() { return false; }
void xxh3_update_avx2(void*, const void*, size_t) {}

}  // namespace vetquant

#endif
