// XXH3's loop over stripes with AVX2: some three times the speed of the SSE2 one that a distribution's library is built with (9 and
// 30 GB/s from the cache of an EPYC).
#pragma once

#include <cstddef>

namespace vetquant {

// Whether this build and this processor have it; if not, the library's own loop is what there is.
bool has_xxh3_avx2();

// What XXH3_128bits_update does to `state`, a XXH3_state_t, bit for bit. Only where has_xxh3_avx2().
void xxh3_update_avx2(void* state, const void* data, size_t bytes);

}  // namespace vetquant
