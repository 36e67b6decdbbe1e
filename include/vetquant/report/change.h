// What a difference says. An exact figure (a count of bytes) has no noise; a single measurement has, but nobody knows how
// much, and so has a figure for which no interval can be given: those are never called better or worse.
#pragma once

#include <string>

#include "vetquant/eval/metric.h"

namespace vetquant {

enum class Change { kBetter, kWorse, kWithinNoise, kEqual, kUnknown };

std::string in_words(Change change);  // "better", "worse", "within noise", "no change", "not known"

bool is_exact(const Estimate& estimate);  // a count

// Of a difference; both bounds of its interval at `confidence_pct` must lie on one side of zero.
Change change_of(const Estimate& difference, Better better, double confidence_pct);

}  // namespace vetquant
