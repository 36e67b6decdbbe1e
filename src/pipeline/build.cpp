#include "vetquant/pipeline/build.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "build_steps.h"
#include "vetquant/core/error.h"
#include "vetquant/core/hash.h"
#include "vetquant/core/interrupt.h"
#include "vetquant/eval/reduced_set.h"
#include "vetquant/pipeline/lock.h"
#include "vetquant/report/judgement_report.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;

// One build at a time in a folder: the kernel gives the lock back when the process ends, however it ends.
class FolderLock {
 public:
  explicit FolderLock(const fs::path& folder)
      : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw Error(ErrorCode::kIo, std::generic_category().message(errno), folder.string());
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
    const int problem = errno;
    ::close(descriptor_);
    if (problem == EWOULDBLOCK)
      throw Error(ErrorCode::kIo, "another build is at work in it; wait, or name another folder", folder.string());
    throw Error(ErrorCode::kIo, "cannot be locked: " + std::generic_category().message(problem), folder.string());
  }
  ~FolderLock() { ::close(descriptor_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_;
};

void make_folder(const BuildOptions& options) {
  const fs::path& folder = options.folder;
  std::error_code failed;
  if (fs::exists(folder, failed) && !fs::is_directory(folder, failed))
    throw Error(ErrorCode::kIo, "is not a folder; name another one", folder.string());
  fs::create_directories(folder, failed);
  if (failed) throw Error(ErrorCode::kIo, "cannot be made: " + failed.message(), folder.string());
  const bool ours = fs::exists(folder / kManifestName, failed) || options.take_over == Replace::kYes;
  if (ours) return;
  for (const auto& entry : fs::directory_iterator(folder)) {
    throw Error(ErrorCode::kIo,
                "holds " + entry.path().filename().string() +
                    " and no manifest.json, so it is not a build's; name another folder, or add --overwrite",
                folder.string());
  }
}

OutputRecord record_of(const fs::path& path) {
  const auto file = ReadFile::open(path, ErrorCode::kIo);
  return {path.filename().string(), file->size_bytes(), digest_of(*file)};
}

class Build {
 public:
  explicit Build(BuildPlan plan) : plan_(std::move(plan)), options_(plan_.options) {}

  Manifest run() {
    make_folder(options_);
    const FolderLock lock(options_.folder);
    remove_stale_temporaries(options_.folder);
    for (const std::string& plugin : options_.plugins) algorithms_.load_plugin(plugin);
    const bool work = std::any_of(plan_.parts.begin(), plan_.parts.end(), [](const PlannedPart& part) {
      return part.action == Action::kQuantize || part.action == Action::kJudge;
    });
    if (work) begin();
    for (size_t i = 0; i < plan_.parts.size(); ++i) {
      try {
        interrupt::check();
        build(i);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kInterrupted) throw;
        throw Error(ErrorCode::kInterrupted,
                    "interrupted; parts that were whole are kept, the next run goes on from there");
      }
    }
    decide(manifest());
    save();
    return manifest();
  }

 private:
  Manifest& manifest() { return plan_.manifest; }
  fs::path path(const std::string& part, const char* ending) const { return options_.folder / (part + ending); }

  void say(const std::string& line) const {
    if (options_.say) options_.say(line);
  }

  // No verdict of an earlier build may stand beside what this one changes. Parts that are to be judged again keep what was
  // made, without a judgement.
  void begin() {
    for (size_t i = 0; i < plan_.parts.size(); ++i) {
      PartRecord& record = manifest().parts[i];
      if (plan_.parts[i].action != Action::kJudge) continue;
      record.built->judged.reset();
      record.built->reports.clear();
    }
    manifest().verdict = Verdict::kUnfinished;
    manifest().words = "a build is at work here, or was ended; run it again to go on";
    save();
  }

  void save() {
    const std::string text =
        manifest_json(manifest()).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    const fs::path path = options_.folder / kManifestName;
    std::error_code ignored;
    // A run that did nothing leaves it as it is.
    if (fs::exists(path, ignored) && record_of(path).digest == digest_of(text)) return;
    write_whole_file(path, text, Replace::kYes);
  }

  void build(size_t index) {
    const PlannedPart& part = plan_.parts[index];
    const std::string& name = part.part.name;
    if (part.action == Action::kNothing) say(name + ": up to date, nothing to do");
    if (part.action == Action::kLeftOut) say(name + ": left out (" + part.why + ")");
    if (part.action == Action::kNothing || part.action == Action::kLeftOut) return;
    BuiltRecord built;
    if (part.action == Action::kQuantize) {
      say(name + ": quantize (" + part.why + ")");
      built.made_from = part.made_from;
      built.made = make(part);
    } else {
      built = *manifest().parts[index].built;
    }
    if (part.part.test_set) {
      if (part.action == Action::kJudge) say(name + ": quantized already, judge (" + part.why + ")");
      judge_part(part, built);
    }
    manifest().parts[index].built = std::move(built);
    save();
  }

  std::vector<OutputRecord> make(const PlannedPart& part) {
    WriteOptions write;
    write.output = part.prepared->request.output;
    write.replace = Replace::kYes;
    write.threads = options_.threads;
    write.progress = options_.progress;
    const WriteResult result = quantize(*part.prepared, algorithms_, write);
    std::vector<OutputRecord> made = {
        {result.model_path.filename().string(), result.sizes.model_bytes, result.model_digest}};
    if (!result.sidecar_path.empty())
      made.push_back({result.sidecar_path.filename().string(), result.sizes.sidecar_bytes, result.sidecar_digest});
    const fs::path lock = path(part.part.name, ".lock");
    write_whole_file(lock, make_lock(*part.prepared), Replace::kYes);
    made.push_back(record_of(lock));
    return made;
  }

  void judge_part(const PlannedPart& part, BuiltRecord& built) {
    const auto quick = quick_samples(part.part, options_);
    TestSet set = load_test_set(*part.part.test_set);
    const std::string whole = set.name;
    if (quick) set = reduced(set, *quick);
    JudgeOptions options = *options_.judge;
    options.models = {part.part.model, part.prepared->request.output};
    auto& confidences = options.statistics.confidences_pct;
    for (const Gate& gate : part.gates) {
      const bool known = std::find(confidences.begin(), confidences.end(), gate.confidence_pct) != confidences.end();
      if (!known && gate.confidence_pct > 0) confidences.push_back(gate.confidence_pct);
    }
    Judgement judgement = judge(set, options);
    judgement.models[0].name = part.part.name + " (float)";
    judgement.models[1].name = part.part.name;
    const auto results = evaluate_gates(part.gates, judgement);
    const fs::path json = path(part.part.name, ".report.json"), text = path(part.part.name, ".report.txt");
    write_whole_file(
        json,
        judgement_json(judgement, results).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n",
        Replace::kYes);
    write_whole_file(text, judgement_text(judgement, results, Detail::kFull), Replace::kYes);
    built.reports = {record_of(json), record_of(text)};
    JudgedRecord judged{part.judged_with, set.name, "", set.samples, set.name == whole ? std::nullopt : quick, {}};
    for (const ModelResult& model : judgement.models) {
      if (judged.failure.empty() && !model.failure.empty()) judged.failure = model.name + ": " + model.failure;
    }
    for (const GateResult& result : results) judged.gates.push_back({result.gate.text, result.passed, result.reason});
    built.judged = std::move(judged);
  }

  BuildPlan plan_;
  const BuildOptions& options_;
  AlgorithmSet algorithms_;
};

}  // namespace

Manifest run_build(BuildPlan plan) { return Build(std::move(plan)).run(); }

}  // namespace vetquant
