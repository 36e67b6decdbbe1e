// Whole text files: lists, tables of settings.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace vetquant {

// Error{kUsage} where it is no file or larger than `most_bytes`.
std::string read_text_file(const std::filesystem::path& path, uint64_t most_bytes);

}  // namespace vetquant
