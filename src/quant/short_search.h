// The clipping search of mse for short groups, sixteen at a time: the fast way for blocks.
#pragma once

#include <span>

#include "fit.h"

namespace vetquant {

inline constexpr int64_t kLongestShortGroup = 512;

// Whether groups of this spec can be searched here; others, and groups whose scales lie at the ends of their type's range, are
// searched one by one.
bool searches_short(const QuantSpec& spec, int64_t length);
bool is_ordinary(const QuantSpec& spec, float scale);

// values [groups, length]; whole [groups] is what fit_range gave, ordinary all; found [groups].
// No result is worse than `whole`: it must be better by more than the search can be wrong.
void search_short(const QuantSpec& spec, std::span<const float> values, int64_t length,
                  std::span<const ScaleAndZero> whole, std::span<ScaleAndZero> found);

}  // namespace vetquant
