// What the bytes of a model file are: each constant with its bytes and how many bits a value has. Codes, scales and zero
// points that vetquant wrote (`<name>_codes`, `<name>_scale`, `<name>_zero_point`) count as one weight `<name>`, and
// `<name>_fp16` and `<name>_bf16` as `<name>`. No weight is read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace vetquant {

struct StoredWeightBytes {
  std::string name;       // address: "/decide/then_branch/fc1.weight", "fc1.weight"
  std::string precision;  // of a value: "fp32", "fp16", "8 bits", "4 bits", "int64"
  uint64_t bytes = 0;     // in the file(s), scales and zero points included
  bool operator==(const StoredWeightBytes&) const = default;
};

// Largest first; weights below 1 KiB are not told apart: they are one entry "small constants" of precision "other", which
// is last. Errors: those of Model::load.
std::vector<StoredWeightBytes> stored_weights(const std::filesystem::path& model);

}  // namespace vetquant
