#include "vetquant/eval/reduced_set.h"

#include <algorithm>
#include <set>
#include <utility>

#include "csv.h"
#include "set_parts.h"
#include "vetquant/core/environment.h"
#include "vetquant/core/hash.h"
#include "vetquant/eval/language_model.h"
#include "vetquant/eval/speech.h"
#include "vetquant/policy/document.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;

std::vector<size_t> spread(size_t count, size_t most) {
  const size_t chosen = std::min(count, most);
  std::vector<size_t> indices;
  for (size_t i = 0; i < chosen; ++i) indices.push_back(i * count / chosen);
  return indices;
}

template <class T>
std::vector<T> only(const std::vector<T>& all, const std::vector<size_t>& chosen) {
  std::vector<T> some;
  if (all.empty()) return some;
  for (const size_t i : chosen) some.push_back(all[i]);
  return some;
}

// Numbers that are no longer used would count as clusters.
uint32_t renumber(std::vector<uint32_t>& clusters) {
  std::map<uint32_t, uint32_t> numbers;
  for (uint32_t& cluster : clusters)
    cluster = numbers.try_emplace(cluster, static_cast<uint32_t>(numbers.size())).first->second;
  return static_cast<uint32_t>(numbers.size());
}

class ChosenSamples : public InputSource {
 public:
  ChosenSamples(std::shared_ptr<InputSource> all, std::vector<size_t> chosen)
      : all_(std::move(all)), chosen_(std::move(chosen)) {}
  std::optional<size_t> samples() const override {
    return all_->samples() ? std::optional<size_t>(chosen_.size()) : std::nullopt;
  }
  std::optional<size_t> steps(size_t sample) override { return all_->steps(chosen_.at(sample)); }
  HostTensor tensor(size_t sample, size_t step, const TensorInfo& wanted) override {
    return all_->tensor(chosen_.at(sample), step, wanted);
  }

 private:
  std::shared_ptr<InputSource> all_;
  std::vector<size_t> chosen_;
};

std::shared_ptr<const LanguageSet> reduced_language(const LanguageSet& set, size_t most) {
  auto some = std::make_shared<LanguageSet>(set);
  some->documents = only(set.documents, spread(set.documents.size(), most));
  const auto gaps = spread(set.cloze.size(), most);
  some->cloze = only(set.cloze, gaps);
  some->cloze_clusters = only(set.cloze_clusters, gaps);
  some->cloze_cluster_count = renumber(some->cloze_clusters);
  return some;
}

class ContentHasher {
 public:
  void add(const fs::path& path) {
    std::error_code ignored;
    if (!seen_.insert(path.lexically_normal().string()).second) return;
    if (fs::is_directory(path, ignored)) {
      add_folder(path);
    } else if (fs::is_regular_file(path, ignored)) {
      hasher_.update(path.filename().string() + "\n" + digest_of(*ReadFile::open(path, ErrorCode::kUsage)) + "\n");
      if (path.extension() == ".csv") add_table(path);
    }
  }

  // Whatever in the document names a file: keys (`files:`) and values, "x.npz#array" without the array.
  void add_named(const YamlValue& value, const std::vector<fs::path>& folders) {
    if (value.is_list()) {
      for (const YamlValue& item : value.list("")) add_named(item, folders);
    } else if (value.is_map()) {
      for (const auto& [key, item] : value.entries("")) {
        add_named(key, folders);
        add_named(item, folders);
      }
    } else if (value.is_scalar()) {
      std::string name;
      try {
        name = with_variables(value.text(""));
      } catch (const Error&) {
        return;  // an empty text, or a variable that is not set
      }
      name = name.substr(0, name.find('#'));
      if (name.empty() || name.size() > 1000 || name.find('\n') != std::string::npos) return;
      for (const fs::path& folder : folders) add(folder / name);
    }
  }

  std::string hex() const { return hasher_.hex(); }

 private:
  void add_folder(const fs::path& folder) {
    std::vector<fs::path> files;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(folder, failed)) {
      if (entry.is_regular_file(failed)) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) add(file);
  }

  void add_table(const fs::path& path) {
    const CsvTable table = CsvTable::load(path);
    const int column = table.column("file");
    if (column < 0) return;
    for (const auto& row : table.rows) add(path.parent_path() / row.at(static_cast<size_t>(column)));
  }

  Hasher hasher_;
  std::set<std::string> seen_;
};

}  // namespace

TestSet reduced(const TestSet& set, size_t most) {
  const size_t language = set.language ? std::max(set.language->documents.size(), set.language->cloze.size()) : 0;
  const size_t count = set.language ? language : set.samples;
  if (count <= most) return set;
  TestSet some = set;
  some.name = set.name + " (quick: " + std::to_string(most) + " of " + std::to_string(count) + ")";
  if (set.language) {
    some.language = reduced_language(*set.language, most);
    some.samples = some.language->documents.empty() ? some.language->cloze.size() : some.language->documents.size();
    return some;
  }
  const auto chosen = spread(set.samples, most);
  some.samples = some.random.samples = chosen.size();
  if (set.speech) {
    auto speech = std::make_shared<SpeechSet>(*set.speech);
    speech->clips = only(set.speech->clips, chosen);
    some.speech = std::move(speech);
  }
  for (auto& [name, source] : some.inputs) source = std::make_shared<ChosenSamples>(source, chosen);
  some.truth = only(set.truth, chosen);
  some.clusters = only(set.clusters, chosen);
  some.cluster_count = renumber(some.clusters);
  return some;
}

std::string content_digest(const fs::path& test_set) {
  ContentHasher hasher;
  hasher.add(test_set);
  const auto extension = test_set.extension();
  if (extension != ".yaml" && extension != ".yml") return hasher.hex();
  const YamlValue document = parse_yaml(read_small_file(test_set.string()), test_set.string());
  hasher.add_named(document, {test_set.parent_path()});
  return hasher.hex();
}

}  // namespace vetquant
