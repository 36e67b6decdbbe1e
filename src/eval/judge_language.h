// Lets models read the texts of a language_model test set: window by window, the baseline first, so that no more than one
// window's distributions of each model are held.
#pragma once

#include "judged.h"

namespace vetquant {

// Fills Judged::language of each. Returns how many windows and filled gaps each model read. Error{kUsage} where the
// baseline is no language model of this kind.
size_t judge_language(const TestSet& set, const JudgeOptions& options, std::vector<Judged>& models);

}  // namespace vetquant
