// `task: language_model`: documents, and a table of texts with a gap.
#include <algorithm>
#include <sstream>

#include "csv.h"
#include "set_parts.h"
#include "text_file.h"
#include "vetquant/core/environment.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"
#include "vetquant/eval/language_model.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;

constexpr const char* kGap = "___";
constexpr uint64_t kLargestText = uint64_t{1} << 30;

bool is_blank(const std::string& text) { return text.find_first_not_of(" \t\r\n\f\v") == std::string::npos; }

uint64_t word_count(const std::string& text) {
  std::istringstream stream(text);
  uint64_t words = 0;
  for (std::string word; stream >> word;) ++words;
  return words;
}

class Reader {
 public:
  Reader(const TestSetMap& map, const fs::path& folder)
      : map_(map), folder_(folder), set_{Tokenizer::load(tokenizer_path()), {}, {}, {}} {}

  LanguageSet read() {
    constexpr int64_t kMostTokens = 1 << 20;
    set_.window = static_cast<size_t>(map_.integer_or("window", 512, 2, kMostTokens));
    const auto window = static_cast<int64_t>(set_.window);
    set_.stride = static_cast<size_t>(map_.integer_or("stride", window, 1, window));
    set_.tokens_per_run = static_cast<size_t>(map_.integer_or("tokens_per_run", 0, 0, kMostTokens));
    read_start();
    if (map_.has("texts")) read_texts();
    if (map_.has("cloze")) read_cloze(folder_ / map_.text("cloze"));
    if (set_.documents.empty() && set_.cloze.empty())
      map_.fail("texts", "gives nothing to read: name documents in 'texts', or a table of gaps in 'cloze'");
    return std::move(set_);
  }

 private:
  fs::path tokenizer_path() const {
    try {
      return folder_ / with_variables(map_.text("tokenizer"));
    } catch (const Error& error) {
      if (!error.where().empty()) throw;
      map_.fail("tokenizer", error.message());
    }
  }

  // What the tokenizer's own template puts before a text, unless the test set says otherwise.
  void read_start() {
    start_ = set_.tokenizer.prefix();
    if (!map_.has("start")) return;
    const std::string token = map_.text("start");
    start_.clear();
    if (token.empty()) return;
    const auto id = set_.tokenizer.id_of(token);
    if (!id) map_.fail("start", "the tokenizer has no token '" + printable(token) + "'; \"\" stands for none");
    start_.push_back(*id);
  }

  ScoredText tokens_of(const std::string& text, const std::string& where) {
    ScoredText scored{start_, std::max<size_t>(start_.size(), 1)};
    try {
      for (const uint32_t id : set_.tokenizer.encode(text)) scored.ids.push_back(id);
    } catch (const Error& error) {
      throw Error(error.code(), error.message(), where);
    }
    if (scored.ids.size() <= scored.first_scored) {
      throw Error(
          ErrorCode::kUsage,
          "has no token to score: the first has nothing before it; name a 'start' token in the test set, or join "
          "it with another text",
          where);
    }
    set_.greatest_id = std::max(set_.greatest_id, *std::max_element(scored.ids.begin(), scored.ids.end()));
    return scored;
  }

  void add_document(const std::string& text, const std::string& name, const std::string& where) {
    if (is_blank(text)) return;
    Document document{name, tokens_of(text, where), 0, 0};
    const size_t unscored = start_.empty() ? set_.tokenizer.bytes_of(document.text.ids[0]).size() : 0;
    const std::string scored = text.substr(std::min(unscored, text.size()));
    document.bytes = scored.size();
    document.words = word_count(scored);
    set_.documents.push_back(std::move(document));
  }

  // A list or a folder: each file is a document. One file: each line.
  void read_texts() {
    const std::vector<std::string> names = map_.texts("texts");
    if (!map_.node("texts").IsScalar()) {
      for (const std::string& name : names) add_file(folder_ / name);
    } else if (const fs::path path = folder_ / names[0]; fs::is_directory(path)) {
      std::vector<fs::path> files;
      for (const auto& entry : fs::directory_iterator(path)) {
        if (entry.path().extension() == ".txt") files.push_back(entry.path());
      }
      std::sort(files.begin(), files.end());
      for (const fs::path& file : files) add_file(file);
    } else {
      add_lines(path);
    }
    if (set_.documents.empty())
      map_.fail("texts", "'texts' names no document: a file with one in each line, or .txt files");
  }

  void add_file(const fs::path& path) {
    add_document(read_text_file(path, kLargestText), path.filename().string(), path.string());
  }

  void add_lines(const fs::path& path) {
    std::istringstream lines(read_text_file(path, kLargestText));
    size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      if (line.ends_with('\r')) line.pop_back();
      const std::string place = ":" + std::to_string(number);
      add_document(line, path.filename().string() + place, path.string() + place);
    }
  }

  void read_cloze(const fs::path& path) {
    const CsvTable table = CsvTable::load(path);
    const size_t text = table.needed_column("text"), choices = table.needed_column("choices"),
                 answer = table.needed_column("answer");
    const int cluster = table.column("cluster");
    std::vector<std::string> clusters;
    for (size_t row = 0; row < table.rows.size(); ++row) {
      const auto& fields = table.rows[row];
      ClozeItem item;
      item.name = path.filename().string() + ":" + std::to_string(table.lines[row]);
      read_gap(fields[text], table.where(row), item);
      read_choices(fields[choices], fields[answer], table.where(row), item);
      read_filled(table.where(row), item);
      set_.cloze.push_back(std::move(item));
      if (cluster >= 0) clusters.push_back(fields[static_cast<size_t>(cluster)]);
    }
    if (set_.cloze.empty()) throw Error(ErrorCode::kUsage, "has no items", table.file);
    TestSet numbered;
    number_clusters(clusters, numbered);
    set_.cloze_clusters = numbered.clusters;
    set_.cloze_cluster_count = numbered.cluster_count;
  }

  static void read_gap(const std::string& text, const std::string& where, ClozeItem& item) {
    const size_t gap = text.find(kGap);
    if (gap == std::string::npos || text.find(kGap, gap + 1) != std::string::npos)
      throw Error(ErrorCode::kUsage, std::string("a text has one gap, written ") + kGap, where);
    item.before = text.substr(0, gap);
    item.after = text.substr(gap + std::string(kGap).size());
  }

  static void read_choices(const std::string& choices, const std::string& answer, const std::string& where,
                           ClozeItem& item) {
    std::istringstream list(choices);
    for (std::string choice; std::getline(list, choice, '|');) {
      if (choice.empty() || std::find(item.choices.begin(), item.choices.end(), choice) != item.choices.end())
        throw Error(ErrorCode::kUsage, "the choice '" + printable(choice) + "' is empty or stands there twice", where);
      item.choices.push_back(choice);
    }
    if (item.choices.size() < 2)
      throw Error(ErrorCode::kUsage, "has fewer than two choices; they are separated by |", where);
    const auto right = std::find(item.choices.begin(), item.choices.end(), answer);
    if (right == item.choices.end())
      throw Error(ErrorCode::kUsage, "the answer '" + printable(answer) + "' is not among the choices", where);
    item.answer = static_cast<size_t>(right - item.choices.begin());
  }

  void read_filled(const std::string& where, ClozeItem& item) {
    for (const std::string& choice : item.choices) {
      item.texts.push_back(tokens_of(item.before + choice + item.after, where));
      if (item.texts.back().ids.size() > set_.window + 1) {
        throw Error(ErrorCode::kUsage,
                    "has " + std::to_string(item.texts.back().ids.size()) + " tokens; a window has " +
                        std::to_string(set_.window),
                    where);
      }
      if (item.texts.back().ids[0] != item.texts[0].ids[0])
        throw Error(ErrorCode::kUsage,
                    "the gap is in the first token, which has nothing before it; name a 'start' token in the test set",
                    where);
    }
  }

  const TestSetMap& map_;
  const fs::path& folder_;
  LanguageSet set_;
  std::vector<uint32_t> start_;
};

}  // namespace

void read_language_model(const TestSetMap& map, const fs::path& folder, TestSet& set) {
  map.allow_only({"version", "task", "name", "license", "files", "tokenizer", "texts", "window", "stride",
                  "tokens_per_run", "start", "cloze"});
  check_digests(map, folder);
  auto language = std::make_shared<LanguageSet>(Reader(map, folder).read());
  const bool documents = !language->documents.empty();
  set.samples = documents ? language->documents.size() : language->cloze.size();
  set.unit = documents ? "document" : "item";
  set.language = std::move(language);
}

}  // namespace vetquant
