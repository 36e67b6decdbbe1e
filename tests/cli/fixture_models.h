// The models that the golden runs work on: small, of fixed content, one for each thing that the program must say.
#pragma once

#include <cstdint>
#include <filesystem>

namespace vetquant::test {

void write_fixture_models(const std::filesystem::path& folder);

// A model with `bytes` of weights, 64 MiB each (or one of a multiple of 64 KiB), in a sparse external file beside it:
// large, but takes no disk.
void write_sparse_model(const std::filesystem::path& path, int64_t bytes);

}  // namespace vetquant::test
