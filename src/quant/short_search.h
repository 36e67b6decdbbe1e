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

// values [groups, length]; scale [groups]: what fit_range gave, and then what is better by more than the search can be wrong. What
// is found for a group does not depend on its neighbours; where a scale is not ordinary it means nothing.
void search_short(const QuantSpec& spec, std::span<const float> values, int64_t length, std::span<float> scale,
                  std::span<const float> zero_point);

}  // namespace vetquant
