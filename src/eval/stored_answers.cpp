#include "stored_answers.h"

#include <algorithm>
#include <cstdlib>

#include "vetquant/core/error.h"
#include "vetquant/core/file.h"
#include "vetquant/core/hash.h"
#include "vetquant/core/output_file.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMagic = "vetquant answers 1";
constexpr const char* kEnding = ".answers";
constexpr uint64_t kLargestFile = uint64_t{1} << 30;
constexpr size_t kDigestBytes = 32;

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// The file's contents without the digest at its end. Error{kIo} where it is damaged.
std::vector<std::byte> checked_contents(const fs::path& path) {
  const auto file = ReadFile::open(path, ErrorCode::kIo);
  if (file->size_bytes() < kDigestBytes || file->size_bytes() > kLargestFile)
    throw Error(ErrorCode::kIo, "has no such size", path.string());
  std::string text(file->size_bytes(), '\0');
  file->read(0, std::as_writable_bytes(std::span(text)));
  const std::string_view body = std::string_view(text).substr(0, text.size() - kDigestBytes);
  if (digest_of(body) != text.substr(body.size())) throw Error(ErrorCode::kIo, "is damaged", path.string());
  return bytes_of(body);
}

}  // namespace

fs::path default_answer_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache && fs::path(cache).is_absolute()) return fs::path(cache) / "vetquant" / "answers";
  const char* home = std::getenv("HOME");
  return home && *home ? fs::path(home) / ".cache" / "vetquant" / "answers" : fs::path();
}

StoredAnswers::StoredAnswers(const AnswerCache& cache, std::string key, size_t samples, std::string of)
    : cache_(&cache), key_(std::move(key)), of_(std::move(of)), samples_(samples) {
  load();
}

fs::path StoredAnswers::path() const { return cache_->folder / (key_ + kEnding); }

void StoredAnswers::tell(const std::string& words) const {
  if (cache_->tell) cache_->tell("cache: " + of_ + ": " + words);
}

void StoredAnswers::load() {
  std::error_code ignored;
  if (!fs::exists(path(), ignored)) return tell("nothing is known yet");
  try {
    ByteReader reader(checked_contents(path()), ErrorCode::kIo, "ends too early");
    const bool ours = reader.text() == kMagic && reader.text() == key_ && reader.number() == samples_;
    std::vector<std::string> answers(ours ? reader.count() : 0);
    for (std::string& answer : answers) answer = reader.text();
    if (!ours || answers.size() > samples_ || !reader.at_end()) throw Error(ErrorCode::kIo, "is of something else");
    answers_ = std::move(answers);
  } catch (const Error& error) {
    return tell(path().string() + " " + error.message() + ", it is not used");
  }
  known_ = written_ = answers_.size();
  fs::last_write_time(path(), fs::file_time_type::clock::now(), ignored);  // used now: trim() takes others first
  tell(std::to_string(known_) + " of " + std::to_string(samples_) + " answers are known (" + path().string() + ")");
}

ByteReader StoredAnswers::at(size_t sample) const {
  return {bytes_of(answers_.at(sample)), ErrorCode::kIo, "ends too early"};
}

void StoredAnswers::forget_from(size_t sample) {
  tell("what " + path().string() + " holds from sample " + std::to_string(sample + 1) + " on is no answer to it");
  known_ = sample;
  written_ = std::min(written_, sample);
  answers_.resize(sample);
}

void StoredAnswers::add(const ByteWriter& answer) {
  if (!cache_) return;
  const auto& body = answer.body();
  answers_.emplace_back(reinterpret_cast<const char*>(body.data()), body.size());
  if (std::chrono::steady_clock::now() - wrote_ >= cache_->pause) write();
}

void StoredAnswers::save() {
  if (!cache_ || written_ == answers_.size()) return;
  write();
  trim();
}

// A cache that cannot be written is no reason to stop: it is told once.
void StoredAnswers::write() {
  using Clock = std::chrono::steady_clock;
  ByteWriter writer;
  writer.text(kMagic);
  writer.text(key_);
  writer.number(samples_);
  writer.number(answers_.size());
  for (const std::string& answer : answers_) writer.text(answer);
  std::string text(reinterpret_cast<const char*>(writer.body().data()), writer.body().size());
  text += digest_of(text);
  try {
    std::error_code failed;
    fs::create_directories(cache_->folder, failed);
    if (failed) throw Error(ErrorCode::kIo, failed.message(), cache_->folder.string());
    write_whole_file(path(), text, Replace::kYes);
    written_ = answers_.size();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    if (!cache_->warned->exchange(true) && cache_->warn)
      cache_->warn(std::string("vetquant: answers cannot be kept for the next run: ") + error.what());
  }
  wrote_ = Clock::now();
}

void StoredAnswers::trim() const {
  struct Kept {
    fs::path path;
    uint64_t bytes;
    fs::file_time_type used;
  };
  std::vector<Kept> all;
  uint64_t sum = 0;
  std::error_code failed;
  remove_stale_temporaries(cache_->folder);
  for (const auto& entry : fs::directory_iterator(cache_->folder, failed)) {
    if (entry.path().extension() != kEnding || !entry.is_regular_file(failed)) continue;
    all.push_back({entry.path(), entry.file_size(failed), entry.last_write_time(failed)});
    sum += failed ? 0 : all.back().bytes;
  }
  std::sort(all.begin(), all.end(), [](const Kept& a, const Kept& b) { return a.used < b.used; });
  for (const Kept& old : all) {
    if (sum <= cache_->most_bytes || old.path == path()) break;
    fs::remove(old.path, failed);
    sum -= old.bytes;
  }
}

}  // namespace vetquant
