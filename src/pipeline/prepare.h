// prepare() in two halves, so that a lock file can bring its own documents.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "vetquant/pipeline/pipeline.h"

namespace vetquant {

// request.shapes are fixed in the result; `seen` are shapes of samples, which tell how many rows products see and fix nothing (the
// result's request holds both). `source_digest`: for the metadata; may be empty.
Prepared prepare_from(const Request& request, const Source& source, Policy policy, TargetProfile target,
                      const std::string& source_digest, std::vector<ShapeBinding> seen = {});

}  // namespace vetquant
