// The names under which answers are kept: digests of all that they hang on.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "vetquant/eval/judge.h"

namespace vetquant {

// Of what is the same for all models: test set (each file that it names), runtime, options, program, processor.
std::string circumstances_digest(const TestSet& set, const JudgeOptions& options);

// Of a model's graphs with their external data, and of the other files that it is run by.
std::string answer_key(const std::string& circumstances, const std::vector<std::filesystem::path>& graphs,
                       const std::vector<std::filesystem::path>& other_files);

}  // namespace vetquant
