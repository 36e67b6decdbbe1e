// For builds that judge often: fewer samples of a test set, and whether the set is still the one that was judged.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "vetquant/eval/test_set.h"

namespace vetquant {

// `most` samples, spread evenly over the set (sets are often sorted by class); the whole set where it has no more. Its name
// says so: "langid-dev (quick: 64 of 400)". Of a language set as many documents and as many gaps.
TestSet reduced(const TestSet& set, size_t most);

// XXH3-128 over the set's file and every file that it names: arrays, tables, texts (folders too), sounds in a table's column
// `file`. Reads them all, takes nothing apart. Error{kIo} or {kUsage} where the set itself cannot be read.
std::string content_digest(const std::filesystem::path& test_set);

}  // namespace vetquant
