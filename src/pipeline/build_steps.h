// What the steps of a build share.
#pragma once

#include <optional>

#include "vetquant/pipeline/build.h"

namespace vetquant {

// How many samples of its test set a part is judged on; nullopt: all.
std::optional<size_t> quick_samples(const SystemPart& part, const BuildOptions& options);

// Sets what is to be done of each part, and why; what of its record still holds.
void find_done(BuildPlan& plan);

// Removes what an earlier build wrote for this part and nothing of this one did: sidecars of another digest, files of
// another layout.
void remove_old_outputs(const PlannedPart& part, const BuildPlan& plan);

// Sets verdict and words from the parts: over budget before failed gates; parts that are not built are named, and so is a
// judgement on reduced sets.
void decide(Manifest& manifest);

}  // namespace vetquant
