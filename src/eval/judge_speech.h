// Lets models hear the clips of a speech test set, one clip after the other.
#pragma once

#include "judged.h"

namespace vetquant {

// Fills Judged::speech of each and, where rounds are timed, Judged::latencies_ms: the first clip's whole transcription in the
// runtime. Returns how many clips were heard. Error{kUsage} where a clip can't be read or does not fit the models.
size_t judge_speech(const TestSet& set, const JudgeOptions& options, std::vector<Judged>& models);

}  // namespace vetquant
