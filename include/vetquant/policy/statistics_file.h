// The statistics file: YAML that people can read, diff and edit (docs/calibration.md; models/schemas/statistics.schema.json).
//
//   vetquant_statistics: 1
//   model: {file: "mnist.onnx", digest: "xxh3-128:..."}
//   samples: {source: "calib.npz", count: 100}
//   method: {name: percentile, percentile: 99.99}
//   tensors:
//     "conv1":
//       range: [-1.25, 4.7]          # what quantizing uses; may be edited
//       minimum: -1.3
//       ...
//
// The same statistics give the same text, and it reads back as the same statistics. Errors: Error{kUsage}
// "file:line:column: ..." as for policies. Bounds: 16 MiB, 1,000,000 values.
#pragma once

#include <string>
#include <string_view>

#include "vetquant/quant/activation_statistics.h"

namespace vetquant {

quant::ActivationStatistics read_statistics(const std::string& path);
quant::ActivationStatistics parse_statistics(const std::string& text, const std::string& file_name);
std::string to_yaml(const quant::ActivationStatistics& statistics);

// Does a file say of itself, in its first key, that it is one? False where it cannot be read, or is something else.
bool is_statistics_file(const std::string& path);

}  // namespace vetquant
