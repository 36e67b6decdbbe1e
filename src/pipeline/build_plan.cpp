// The first step of a build: every part planned, and what is done already found out. Nothing is written.
#include <algorithm>

#include "build_steps.h"
#include "vetquant/core/error.h"
#include "vetquant/core/hash.h"
#include "vetquant/core/text.h"
#include "vetquant/eval/reduced_set.h"
#include "vetquant/pipeline/build.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kActions[] = {"quantize", "judge", "nothing", "left_out"};

std::string file_digest(const fs::path& path, ErrorCode code) { return digest_of(*ReadFile::open(path, code)); }

void check_only(const System& system, const std::vector<std::string>& only) {
  std::vector<std::string> known;
  for (const SystemPart& part : system.parts) known.push_back(part.name);
  for (const std::string& name : only) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string nearest = nearest_word(name, known);
    std::string words = "the system has no part '" + printable(name) + "'; ";
    if (nearest.empty()) {
      words += "it has ";
      for (size_t i = 0; i < known.size(); ++i) words += (i > 0 ? ", " : "") + known[i];
    } else {
      words += "did you mean '" + nearest + "'?";
    }
    throw Error(ErrorCode::kUsage, words, system.path.string());
  }
}

Request request_of(const System& system, const SystemPart& part, const fs::path& folder) {
  Request request;
  request.model = part.model;
  request.policy = part.policy;
  request.target = system.target;
  request.output = folder / (part.name + ".onnx");
  return request;
}

// The system's gates at their places; the policy's where they name this test set. Loads the set: what is wrong with it is told
// before a weight is read.
std::vector<Gate> gates_of_part(const SystemPart& part, const Policy& policy) {
  std::vector<Gate> gates;
  if (!part.test_set) return gates;
  const TestSet set = load_test_set(*part.test_set);
  for (const WrittenGate& written : part.gates) {
    try {
      check_gates({written.gate}, set);
    } catch (const Error& error) {
      throw Error(error.code(), error.where() + ": " + error.message(), written.position.text());
    }
    gates.push_back(written.gate);
  }
  for (const PolicyGate& written : policy.gates) {
    if (!written.test_set.empty() && written.test_set != set.name && written.test_set != set.path.stem()) continue;
    const auto more = gates_of(written);
    check_gates(more, set);
    gates.insert(gates.end(), more.begin(), more.end());
  }
  return gates;
}

std::string plugins_text(const std::vector<std::string>& plugins) {
  std::string text;
  for (const std::string& plugin : plugins) text += file_digest(plugin, ErrorCode::kUsage) + " ";
  return text;
}

Ingredients made_from(const PlannedPart& planned, const BuildOptions& options) {
  const Prepared& p = *planned.prepared;
  return {{"vetquant", kVersion},
          {"model", p.model->digest()},
          {"policy", p.policy.digest},
          {"target", p.target.digest},
          {"plugins", plugins_text(options.plugins)}};
}

std::string judging_text(const JudgeOptions& o) {
  std::string text = describe(o.session) + ", warm-up " + std::to_string(o.warm_up_runs) + ", rounds " +
                     std::to_string(o.timed_rounds) + ", resamples " + std::to_string(o.statistics.resamples);
  if (o.limits.timeout.count() > 0) text += ", timeout " + std::to_string(o.limits.timeout.count()) + " ms";
  if (o.limits.memory_bytes > 0) text += ", memory " + std::to_string(o.limits.memory_bytes);
  if (o.count_operators == CountOperators::kNo) text += ", operators not counted";
  return text;
}

Ingredients judged_with(const PlannedPart& planned, const BuildOptions& options) {
  if (!planned.part.test_set) return {};
  std::string gates;
  for (const Gate& gate : planned.gates)
    gates += gate.text + " @" + std::to_string(gate.confidence_pct) + "\n";  // a policy's gates do not spell it out
  const auto quick = quick_samples(planned.part, options);
  return {{"test set", content_digest(*planned.part.test_set)},
          {"gates", gates},
          {"options", judging_text(*options.judge)},
          {"runtime", file_digest(options.judge->runtime_library, ErrorCode::kUsage)},
          {"quick", quick ? std::to_string(*quick) : "no"}};
}

// What of the record still holds decides what is to be done.
void find_done(PlannedPart& planned, const PartRecord* before, const fs::path& folder) {
  planned.action = Action::kQuantize;
  if (!before || !before->built) {
    planned.why = "not built yet";
    return;
  }
  const BuiltRecord& built = *before->built;
  if (const auto changed = first_difference(built.made_from, planned.made_from)) {
    planned.why = *changed + " changed";
    return;
  }
  if (const auto damaged = first_damaged(folder, built.made)) {
    planned.why = *damaged + " is not as it was written";
    return;
  }
  planned.record.built = built;
  planned.action = Action::kJudge;
  const bool judged_before = built.judged.has_value(), to_judge = planned.part.test_set.has_value();
  const auto changed = first_difference(judged_before ? built.judged->judged_with : Ingredients{}, planned.judged_with);
  if (to_judge && !judged_before) {
    planned.why = "not judged yet";
  } else if (!to_judge) {
    planned.record.built->judged.reset();
    planned.record.built->reports.clear();
    planned.action = Action::kNothing;
    planned.why = "up to date";
  } else if (changed) {
    planned.why = *changed + " changed";
  } else if (const auto damaged = first_damaged(folder, built.reports)) {
    planned.why = *damaged + " is not as it was written";
  } else {
    planned.action = Action::kNothing;
    planned.why = "up to date";
  }
}

void plan_part(BuildPlan& plan, const SystemPart& part) {
  const BuildOptions& options = plan.options;
  if (part.test_set && !options.judge)
    throw Error(ErrorCode::kInternal, "a part is to be judged, but nobody said how", part.name);
  PlannedPart planned;
  planned.part = part;
  planned.prepared = std::make_shared<const Prepared>(prepare(request_of(plan.system, part, options.folder)));
  check_worth_doing(*planned.prepared);
  planned.gates = gates_of_part(part, planned.prepared->policy);
  planned.record = {part.name, planned.prepared->model->total_bytes(), planned.prepared->sizes.total_bytes(), {}};
  plan.parts.push_back(std::move(planned));
}

// Judged with other options, it stays a verdict on the same test set and gates: a part that --only leaves out keeps it.
bool same_question(const std::optional<JudgedRecord>& judged, const Ingredients& now) {
  if (!judged) return false;
  const auto same = [&](const char* label) {
    const auto before = judged->judged_with.find(label), wanted = now.find(label);
    return before != judged->judged_with.end() && wanted != now.end() && before->second == wanted->second;
  };
  return same("test set") && same("gates");
}

void find_all_done(BuildPlan& plan) {
  const BuildOptions& options = plan.options;
  const auto before = load_manifest(options.folder);
  for (PlannedPart& planned : plan.parts) {
    const PartRecord* record = before ? before->find(planned.part.name) : nullptr;
    const bool wanted = options.only.empty() ||
                        std::find(options.only.begin(), options.only.end(), planned.part.name) != options.only.end();
    if (wanted || (record && record->built)) {
      planned.made_from = made_from(planned, options);
      planned.judged_with = judged_with(planned, options);
    }
    find_done(planned, record, options.folder);
    if (wanted || planned.action == Action::kNothing) continue;
    const bool kept = planned.action == Action::kJudge && same_question(record->built->judged, planned.judged_with) &&
                      !first_damaged(options.folder, record->built->reports);
    planned.action = Action::kLeftOut;
    planned.why = "not named by --only; " + planned.why;
    if (!kept) planned.record.built.reset();
  }
}

}  // namespace

std::string_view name_of(Action action) { return kActions[static_cast<size_t>(action)]; }

std::optional<size_t> quick_samples(const SystemPart& part, const BuildOptions& options) {
  if (options.judging == Judging::kFull) return std::nullopt;
  return part.quick.value_or(kDefaultQuick);
}

BuildPlan plan_build(const System& system, const BuildOptions& options) {
  check_only(system, options.only);
  BuildPlan plan{system, options, {}, {}};
  for (const SystemPart& part : system.parts) load_policy(part.policy);  // before any model: a typo is told at once
  for (const SystemPart& part : system.parts) plan_part(plan, part);
  find_all_done(plan);
  Manifest& manifest = plan.manifest;
  manifest.vetquant = kVersion;
  manifest.system_name = system.name;
  manifest.system_file = system.path.filename().string();
  manifest.system_digest = system.digest;
  manifest.budget = system.budget;
  for (const PlannedPart& planned : plan.parts) manifest.parts.push_back(planned.record);
  decide(manifest);
  return plan;
}

}  // namespace vetquant
