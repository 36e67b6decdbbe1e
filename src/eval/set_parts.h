// The keys of a test set's YAML, by task.
#pragma once

#include <filesystem>

#include "vetquant/eval/test_set.h"
#include "yaml_map.h"

namespace vetquant {

void read_classification(const TestSetMap& map, const std::filesystem::path& folder, TestSet& set);
void read_language_model(const TestSetMap& map, const std::filesystem::path& folder, TestSet& set);
void read_speech(const TestSetMap& map, const std::filesystem::path& folder, TestSet& set);
void read_tensors(const TestSetMap& map, const std::filesystem::path& folder, TestSet& set);

// `files:` maps names in `folder` to "xxh3:<32 digits>" or "sha256:<64 digits>"; each must match.
void check_digests(const TestSetMap& map, const std::filesystem::path& folder);
void check_digest(const TestSetMap& map, const char* key, const std::string& digest, const std::filesystem::path& file);

// Numbers `clusters` from 0 in the order in which they appear.
void number_clusters(const std::vector<std::string>& names, TestSet& set);

// One entry of `inputs:`.
std::shared_ptr<InputSource> read_input(const TestSetMap& inputs, const std::string& name,
                                        const std::filesystem::path& folder, const TestSet& set);

}  // namespace vetquant
