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

OutputRecord record_of(const fs::path& folder, const std::string& name) {
  const auto file = ReadFile::open(folder / name, ErrorCode::kIo);
  return {name, file->size_bytes(), digest_of(*file)};
}

void copy_whole(const fs::path& from, const fs::path& to) {
  constexpr uint64_t kTileBytes = 1u << 20;
  const auto source = ReadFile::open(from, ErrorCode::kIo);
  const auto copy = OutputFile::create(to, source->size_bytes(), Replace::kYes);
  std::vector<std::byte> tile(std::min(kTileBytes, source->size_bytes()));
  for (uint64_t at = 0; at < source->size_bytes(); at += tile.size()) {
    const auto part = std::span(tile).first(std::min<uint64_t>(tile.size(), source->size_bytes() - at));
    source->read(at, part);
    copy->write(at, part);
  }
  copy->commit();
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
      return part.action != Action::kNothing && part.action != Action::kLeftOut;
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
    if (fs::exists(path, ignored) && record_of(options_.folder, kManifestName).digest == digest_of(text)) return;
    write_whole_file(path, text, Replace::kYes);
  }

  void build(size_t index) {
    const PlannedPart& part = plan_.parts[index];
    PartRecord& record = manifest().parts[index];
    const std::string& name = part.part.name;
    if (part.action == Action::kLeftOut) say(name + ": left out (" + part.why + ")");
    if (part.action == Action::kNothing) say(name + ": up to date, nothing to do");
    if (part.action == Action::kLeftOut) return;
    if (part.action != Action::kNothing) {
      if (part.action != Action::kJudge) make(part, record);
      BuiltRecord built = record.built.value_or(BuiltRecord{copies_of(part), {}, {}});
      if (part.part.test_set) judge_part(part, built);
      record.built = std::move(built);
    }
    remove_old_outputs(part, plan_);
    if (part.action != Action::kNothing) save();
  }

  // Each graph enters the manifest when it is written: a build that is ended goes on with the next.
  void make(const PlannedPart& part, PartRecord& record) {
    if (part.is_folder) make_part_folder(options_.folder / part.part.name);
    for (size_t g = 0; g < part.graphs.size(); ++g) {
      const PlannedGraph& graph = part.graphs[g];
      const std::string name = part.part.name + (part.is_folder ? "/" + graph.name : "");
      if (graph.action == Action::kNothing) continue;
      say(name + ": quantize (" + graph.why + ")");
      record.graphs[g].made = MadeRecord{graph.made_from, quantized(graph)};
      save();
    }
    if (part.action == Action::kCopy)
      say(part.part.name + ": quantized already, copy the files beside it (" + part.why + ")");
    for (const SideFile& side : part.side_files) copy_whole(side.source, options_.folder / side.output.file);
  }

  static void make_part_folder(const fs::path& folder) {
    std::error_code failed;
    fs::create_directories(folder, failed);
    if (failed) throw Error(ErrorCode::kIo, "cannot be made: " + failed.message(), folder.string());
    remove_stale_temporaries(folder);
  }

  static std::vector<OutputRecord> copies_of(const PlannedPart& part) {
    std::vector<OutputRecord> copies;
    for (const SideFile& side : part.side_files) copies.push_back(side.output);
    return copies;
  }

  std::vector<OutputRecord> quantized(const PlannedGraph& graph) {
    WriteOptions write;
    write.output = graph.prepared->request.output;
    write.replace = Replace::kYes;
    write.sidecar = graph.prepared->request.sidecar;
    write.threads = options_.threads;
    write.progress = options_.progress;
    const WriteResult result = quantize(*graph.prepared, algorithms_, write);
    std::vector<OutputRecord> made = {{graph.output, result.sizes.model_bytes, result.model_digest}};
    if (!result.sidecar_path.empty()) {
      const fs::path sidecar = fs::path(graph.output).parent_path() / result.sidecar_path.filename();
      made.push_back({sidecar.string(), result.sizes.sidecar_bytes, result.sidecar_digest});
    }
    write_whole_file(options_.folder / graph.lock, make_lock(*graph.prepared), Replace::kYes);
    made.push_back(record_of(options_.folder, graph.lock));
    return made;
  }

  void judge_part(const PlannedPart& part, BuiltRecord& built) {
    const std::string& name = part.part.name;
    if (part.action == Action::kJudge) say(name + ": quantized already, judge (" + part.why + ")");
    const auto quick = quick_samples(part.part, options_);
    TestSet set = load_test_set(*part.part.test_set);
    const std::string whole = set.name;
    if (quick) set = reduced(set, *quick);
    JudgeOptions options = *options_.judge;
    options.models = {part.part.model, options_.folder / (part.is_folder ? name : part.graphs[0].output)};
    auto& confidences = options.statistics.confidences_pct;
    for (const Gate& gate : part.gates) {
      const bool known = std::find(confidences.begin(), confidences.end(), gate.confidence_pct) != confidences.end();
      if (!known && gate.confidence_pct > 0) confidences.push_back(gate.confidence_pct);
    }
    Judgement judgement = judge(set, options);
    judgement.models[0].name = name + " (float)";
    judgement.models[1].name = name;
    const auto results = evaluate_gates(part.gates, judgement);
    const std::string json = name + ".report.json", text = name + ".report.txt";
    write_whole_file(
        options_.folder / json,
        judgement_json(judgement, results).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n",
        Replace::kYes);
    write_whole_file(options_.folder / text, judgement_text(judgement, results, Detail::kFull), Replace::kYes);
    built.reports = {record_of(options_.folder, json), record_of(options_.folder, text)};
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
