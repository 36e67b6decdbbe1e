// What quantization did to each weight, found by comparing two files: the codes that vetquant stored (`<name>_codes`,
// `<name>_scale`, `<name>_zero_point`, or `<name>_fp16`, `<name>_bf16`) are dequantized as the operator that uses them
// does, and compared with the constant that the float model has under <name>. One weight is held in memory at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "vetquant/core/dtype.h"
#include "vetquant/core/progress.h"

namespace vetquant {

struct WeightError {
  std::string name;  // in the float model
  std::string
      form;  // operator that takes the codes, and bits: "MatMulNBits 4 bits, block 32", "folded, 8 bits", "fp16"
  std::vector<int64_t> shape;
  uint64_t elements = 0;
  double sqnr_db = 0, error_max = 0, error_mean = 0;
  double weight_max = 0;  // largest absolute weight, to read error_max by
};

struct WeightComparison {
  std::vector<WeightError> weights;    // in the order of the quantized file
  std::vector<std::string> unmatched;  // codes without a counterpart, and why
};

// Errors: those of Model::load; Error{kIo}.
WeightComparison compare_weights(const std::filesystem::path& float_model, const std::filesystem::path& quantized,
                                 const ProgressSink& progress = {});

}  // namespace vetquant
