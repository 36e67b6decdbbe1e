// prepare() in two halves, so that a lock file can bring its own documents.
#pragma once

#include <memory>
#include <string>

#include "vetquant/pipeline/pipeline.h"

namespace vetquant {

// `source_digest`: for the metadata; may be empty.
Prepared prepare_from(const Request& request, const Source& source, Policy policy, TargetProfile target,
                      const std::string& source_digest);

}  // namespace vetquant
