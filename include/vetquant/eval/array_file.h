// NumPy's .npy and .npz files (numpy.lib.format, versions 1 to 3; zip with stored or deflated members, zip64 too).
// Little-endian numbers and bool; Fortran order is turned into row-major order. Hostile-safe: sizes are checked before
// anything is allocated; Error{kUsage} says what is wrong and where.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "vetquant/runtime/tensor.h"

namespace vetquant {

// One .npy file, or every array of an .npz in the order of the archive (names without ".npy"; a .npy's name is its stem).
std::vector<NamedTensor> read_arrays(const std::filesystem::path& path);

// "data.npz#x" or "x.npy", relative to `folder`; an .npz with one array needs no name.
HostTensor read_array(const std::filesystem::path& folder, const std::string& reference);

HostTensor parse_npy(std::vector<std::byte> bytes, const std::string& where);

}  // namespace vetquant
