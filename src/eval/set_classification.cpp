// `task: classification`: sound clips listed in a table, or arrays.
#include <algorithm>

#include "csv.h"
#include "set_parts.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"
#include "vetquant/eval/array_file.h"

namespace vetquant {
namespace {

void read_items(const TestSetMap& map, const std::filesystem::path& listing, TestSet& set) {
  const CsvTable table = CsvTable::load(listing);
  const size_t file = table.needed_column("file"), label = table.needed_column("label");
  const size_t start = table.needed_column("start_frame"), frames = table.needed_column("frames");
  const int cluster = table.column("cluster");
  std::vector<std::filesystem::path> files;
  std::vector<std::string> file_names, cluster_names;
  std::vector<Clip> clips;
  for (size_t row = 0; row < table.rows.size(); ++row) {
    const auto& fields = table.rows[row];
    const std::string& name = fields[file];
    auto known = std::find(file_names.begin(), file_names.end(), name);
    if (known == file_names.end()) {
      file_names.push_back(name);
      files.push_back(listing.parent_path() / name);
      known = file_names.end() - 1;
    }
    clips.push_back({static_cast<size_t>(known - file_names.begin()), table.whole_number(row, start),
                     table.whole_number(row, frames)});
    const std::string& word = fields[label];
    const auto found = std::find(set.labels.begin(), set.labels.end(), word);
    if (found == set.labels.end())
      throw Error(ErrorCode::kUsage, "'" + printable(word) + "' is not among the test set's labels", table.where(row));
    set.truth.push_back(static_cast<uint32_t>(found - set.labels.begin()));
    if (cluster >= 0) cluster_names.push_back(fields[static_cast<size_t>(cluster)]);
  }
  number_clusters(cluster_names, set);
  const auto rate = static_cast<int>(map.integer("sample_rate", 1, 1'000'000));
  const auto width = static_cast<size_t>(map.integer("samples_per_clip", 1, int64_t{1} << 31));
  set.inputs[map.text("input")] = make_clip_source(std::move(files), std::move(clips), rate, width);
  set.unit = "clip";
}

void read_arrays_set(const TestSetMap& map, const std::filesystem::path& folder, TestSet& set) {
  const HostTensor truth = read_array(folder, map.text("truth"));
  for (const double value : to_doubles(truth)) {
    const double last = set.labels.empty() ? 1e6 : static_cast<double>(set.labels.size()) - 1;
    if (value < 0 || value > last || value != static_cast<double>(static_cast<uint32_t>(value))) {
      map.fail("truth", "holds " + std::to_string(value) + ", which is no class number");
    }
    set.truth.push_back(static_cast<uint32_t>(value));
  }
  if (map.has("clusters")) {
    std::vector<std::string> names;
    for (const double value : to_doubles(read_array(folder, map.text("clusters"))))
      names.push_back(std::to_string(value));
    number_clusters(names, set);
  }
  set.unit = "item";
}

}  // namespace

void number_clusters(const std::vector<std::string>& names, TestSet& set) {
  std::map<std::string, uint32_t> numbers;
  for (const std::string& name : names) {
    const auto [entry, added] = numbers.try_emplace(name, static_cast<uint32_t>(numbers.size()));
    set.clusters.push_back(entry->second);
  }
  set.cluster_count = static_cast<uint32_t>(numbers.size());
}

void read_classification(const TestSetMap& map, const std::filesystem::path& folder, TestSet& set) {
  map.allow_only({"version", "task", "name", "license", "labels", "files", "scores", "top_k", "input", "sample_rate",
                  "samples_per_clip", "items", "digest", "inputs", "truth", "clusters", "random"});
  set.labels = map.texts("labels");
  set.scores = map.text_or("scores", "");
  set.top_k = static_cast<uint32_t>(map.integer_or("top_k", 5, 2, 1000));
  if (map.has("items")) {
    if (set.labels.size() < 2) map.fail("labels", "'labels' must list the classes in the order of the model's scores");
    const std::filesystem::path listing = folder / map.text("items");
    if (map.has("digest")) check_digest(map, "digest", map.text("digest"), listing);
    check_digests(map, listing.parent_path());
    read_items(map, listing, set);
  } else {
    check_digests(map, folder);
    read_arrays_set(map, folder, set);
  }
  if (map.has("inputs")) {
    const TestSetMap inputs = map.map("inputs");
    for (const std::string& name : inputs.keys()) set.inputs[name] = read_input(inputs, name, folder, set);
  }
  if (set.inputs.empty()) map.fail("inputs", "gives no input: name the arrays in 'inputs', or the clips in 'items'");
}

}  // namespace vetquant
