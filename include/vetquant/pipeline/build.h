// A system built: every part planned, quantized, judged; the budget and all gates checked; one verdict. In three steps, so
// that a dry run stops after the first:
//
//   plan_build   loads and plans every part, finds what is done already, checks the budget's bytes; writes nothing
//   run_build    does what is to be done, in the system's order, into `folder`
//
// A folder that exists must be empty or hold a manifest.json (or Replace::kYes). Planned bytes are the written ones to the
// byte, so what is over budget is known before a weight is read, and run_build is not to be called then.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vetquant/core/output_file.h"
#include "vetquant/eval/judge.h"
#include "vetquant/pipeline/manifest.h"
#include "vetquant/pipeline/pipeline.h"
#include "vetquant/pipeline/system.h"

namespace vetquant {

enum class Judging { kFull, kQuick };  // kQuick: at most SystemPart::quick samples, else kDefaultQuick
inline constexpr size_t kDefaultQuick = 100;

struct BuildOptions {
  std::filesystem::path folder;
  std::vector<std::string> only;  // parts; empty: all. Error{kUsage} for a name that is none.
  Judging judging = Judging::kFull;
  Replace take_over = Replace::kNo;  // kYes: a folder that is not ours
  std::vector<std::string> plugins;  // paths
  std::optional<JudgeOptions>
      judge;  // needed where a part has a test set; models and statistics' confidences are set here
  int threads = 0;
  ProgressSink progress;
  std::function<void(const std::string&)> say;  // one line for people at each step; may be empty
};

// kCopy: the quantized graphs are there already, files beside them are not; kJudge: all is there, but for the judgement.
enum class Action { kQuantize, kCopy, kJudge, kNothing, kLeftOut };
std::string_view name_of(Action action);  // "quantize", "copy", "judge", "nothing", "left_out"

struct PlannedGraph {
  Action action = Action::kQuantize;  // or kNothing
  std::string why;                    // "policy changed", "langid.onnx is not as it was written", "up to date"
  std::string name;                   // of the source's file
  std::string output, lock;           // in the build folder: "langid.onnx", "speech/encoder_model.onnx"
  std::shared_ptr<const Prepared> prepared;
  Ingredients made_from;
};

struct SideFile {
  std::filesystem::path source;
  OutputRecord output;  // of equal bytes
};

struct PlannedPart {
  Action action = Action::kQuantize;
  std::string why;
  SystemPart part;
  bool is_folder = false;
  std::vector<PlannedGraph> graphs;
  std::vector<SideFile> side_files;
  std::vector<Gate> gates;  // the system's, then those of the policies that name this test set
  Ingredients judged_with;
  PartRecord record;                 // `made`, `built` where something of it is valid
  std::optional<PartRecord> before;  // what an earlier build left
};

struct BuildPlan {
  System system;
  BuildOptions options;
  std::vector<PlannedPart> parts;
  Manifest manifest;  // as it would be now: the verdict is kOverBudget, or that of what is there
};

// Errors: of each step (load_system, prepare, load_test_set); kUsage at the system's position for a gate that the task does
// not have.
BuildPlan plan_build(const System& system, const BuildOptions& options);

// Error{kIo}: another build works in the folder, or the folder is not ours; errors of quantize and judge. Parts that were
// whole before an error stay in manifest.json, whose verdict is then kUnfinished.
Manifest run_build(BuildPlan plan);

}  // namespace vetquant
