// Fills every extent of the output from the source model: copies, halves, quantization jobs and literals, in batches of
// bounded size in file order, so that what one batch reads twice is still in the page cache.
#pragma once

#include <vector>

#include "frame.h"
#include "vetquant/quant/algorithm.h"
#include "vetquant/write/write.h"

namespace vetquant {

// `payloads` holds the gaps: the model file itself, or its sidecar.
std::vector<TensorResult> fill(const Emitted& emitted, const AlgorithmSet& algorithms, const Framed& framed,
                               OutputFile& payloads, const WriteOptions& options);

// The literals of `framed` into the model file.
void fill_literals(const Framed& framed, OutputFile& model_file);

}  // namespace vetquant
