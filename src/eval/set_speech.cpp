// `task: speech`: clips and what is said in them.
#include <algorithm>
#include <sstream>

#include "csv.h"
#include "set_parts.h"
#include "text_file.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"
#include "vetquant/eval/speech.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostTermBytes = uint64_t{16} << 20;

class Reader {
 public:
  Reader(const TestSetMap& map, const fs::path& folder) : map_(map), folder_(folder) {}

  SpeechSet read(TestSet& set) {
    try {
      set_.normalisation = text_normalisation(map_.text_or("normalisation", "basic-1"));
    } catch (const Error& error) {
      map_.fail("normalisation", error.message());
    }
    set_.language = map_.text_or("language", "");
    set_.speech_task = map_.text_or("mode", "transcribe");
    if (set_.speech_task != "transcribe" && set_.speech_task != "translate")
      map_.fail("mode", "'mode' is transcribe or translate");
    set_.timestamps = map_.flag_or("timestamps", false);
    set_.most_tokens = static_cast<size_t>(map_.integer_or("max_tokens", 0, 1, 100'000));
    if (map_.has("terms")) read_terms();
    read_items(set);
    return std::move(set_);
  }

 private:
  // A list in the YAML, or a file with one term in each line.
  void read_terms() {
    std::vector<std::string> terms = map_.texts("terms");
    const bool file = map_.node("terms").IsScalar();
    if (file) terms = lines_of(folder_ / terms.at(0));
    try {
      set_.terms.emplace(terms, set_.normalisation);
    } catch (const Error& error) {
      map_.fail("terms", error.message());
    }
    if (set_.terms->size() == 0) map_.fail("terms", "names no term");
  }

  static std::vector<std::string> lines_of(const fs::path& path) {
    std::vector<std::string> lines;
    std::istringstream stream(read_text_file(path, kMostTermBytes));
    for (std::string line; std::getline(stream, line);) {
      if (line.ends_with('\r')) line.pop_back();
      if (!line.empty() && line[0] != '#') lines.push_back(line);
    }
    return lines;
  }

  // A column that is not there, or is empty here, says 0.
  static uint64_t number_or_nought(const CsvTable& table, size_t row, int column) {
    if (column < 0 || table.rows[row][static_cast<size_t>(column)].empty()) return 0;
    return table.whole_number(row, static_cast<size_t>(column));
  }

  void read_items(TestSet& set) {
    const fs::path listing = folder_ / map_.text("items");
    if (map_.has("digest")) check_digest(map_, "digest", map_.text("digest"), listing);
    check_digests(map_, listing.parent_path());
    const CsvTable table = CsvTable::load(listing);
    const size_t file = table.needed_column("file"), text = table.needed_column("text");
    const int start = table.column("start_frame"), frames = table.column("frames"), cluster = table.column("cluster");
    std::vector<std::string> clusters;
    for (size_t row = 0; row < table.rows.size(); ++row) {
      const auto& fields = table.rows[row];
      SpeechClip clip;
      clip.name = listing.filename().string() + ":" + std::to_string(table.lines[row]);
      clip.file = listing.parent_path() / fields[file];
      if (!fs::is_regular_file(clip.file))
        throw Error(ErrorCode::kIo, "there is no sound file '" + printable(fields[file]) + "'", table.where(row));
      clip.start_frame = number_or_nought(table, row, start);
      clip.frames = number_or_nought(table, row, frames);
      clip.text = normalised(fields[text], set_.normalisation);
      if (words_of(clip.text).empty()) throw Error(ErrorCode::kUsage, "says no word", table.where(row));
      if (cluster >= 0) clusters.push_back(fields[static_cast<size_t>(cluster)]);
      set_.clips.push_back(std::move(clip));
    }
    if (set_.clips.empty()) throw Error(ErrorCode::kUsage, "has no items", table.file);
    number_clusters(clusters, set);
  }

  const TestSetMap& map_;
  const fs::path& folder_;
  SpeechSet set_;
};

}  // namespace

void read_speech(const TestSetMap& map, const fs::path& folder, TestSet& set) {
  map.allow_only({"version", "task", "name", "license", "files", "items", "digest", "normalisation", "language", "mode",
                  "timestamps", "max_tokens", "terms"});
  set.speech = std::make_shared<SpeechSet>(Reader(map, folder).read(set));
  set.samples = set.speech->clips.size();
  set.unit = "clip";
  set.normalisation = name_of(set.speech->normalisation);
}

}  // namespace vetquant
