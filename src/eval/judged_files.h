// What belongs to the files of a judged model: which they are, how large they are, what is in them.
#pragma once

#include <filesystem>
#include <vector>

#include "vetquant/eval/judge.h"

namespace vetquant {

// The model itself, or the one graph of a folder: model.onnx, else the only .onnx file. Error{kUsage} where it is not clear
// which; Error{kIo} where there is nothing.
std::filesystem::path one_graph(const std::filesystem::path& model);

// Operators as written, and (where the options want it) as the runtime optimizes them, summed over the files.
void count_operators(const std::vector<std::filesystem::path>& files, const JudgeOptions& options, ModelResult& model);

// With external data; of a file that is no readable model its own size.
uint64_t model_bytes(const std::filesystem::path& path);
// Empty where vetquant cannot read the file.
std::vector<StoredWeightBytes> weights_of(const std::filesystem::path& path);

}  // namespace vetquant
