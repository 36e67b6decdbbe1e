// A lock file: a plan that was looked at, to be carried out exactly. JSON with the model's digest, the full text of policy
// and target, and every decision. `quantize --lock` makes the plan anew from these texts and refuses to go on where the
// model, or any decision (another version of vetquant may decide otherwise), differs.
#pragma once

#include <filesystem>
#include <string>

#include "vetquant/pipeline/pipeline.h"

namespace vetquant {

std::string make_lock(const Prepared& prepared);  // reads the whole model for its digest

// `request` names model and output; policy, target and shapes come from the lock. Errors: kUsage with the lock's path (not
// a lock file, another model, the first decision that differs), kIo.
Prepared prepare_locked(const Request& request, const std::filesystem::path& lock);

}  // namespace vetquant
