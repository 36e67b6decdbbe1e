// SHA-256 (FIPS 180-4), for test sets that other tools wrote; our own digests are XXH3-128.
#pragma once

#include <string>
#include <string_view>

#include "vetquant/core/file.h"

namespace vetquant {

std::string sha256_of(std::string_view text);
std::string sha256_of(const ReadFile& file);

}  // namespace vetquant
