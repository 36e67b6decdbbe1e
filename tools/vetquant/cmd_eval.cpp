// vetquant eval: the baseline and any number of other models on a test set; size, speed, memory, accuracy, gates.
#include <algorithm>

#include "commands.h"
#include "judge_options.h"
#include "render_options.h"
#include "vetquant/core/error.h"
#include "vetquant/eval/gate.h"
#include "vetquant/policy/policy.h"
#include "vetquant/report/judgement_report.h"

namespace vetquant::cli {
namespace {

struct EvalArguments {
  std::vector<std::string> models, gates, weight_reports;
  std::string baseline, test_set, policy;
};

// The baseline is the first model where none is named; a named one is added in front where it is not among them.
void set_models(const EvalArguments& arguments, JudgeOptions& options) {
  options.models.assign(arguments.models.begin(), arguments.models.end());
  if (arguments.baseline.empty()) return;
  const auto found = std::find(options.models.begin(), options.models.end(), std::filesystem::path(arguments.baseline));
  if (found == options.models.end()) {
    options.models.insert(options.models.begin(), arguments.baseline);
  } else {
    options.baseline = static_cast<size_t>(found - options.models.begin());
  }
}

std::vector<Gate> gates_from(const EvalArguments& arguments, double confidence, const TestSet& set) {
  std::vector<Gate> gates;
  for (const std::string& text : arguments.gates) gates.push_back(parse_gate(text, confidence));
  if (!arguments.policy.empty()) {
    for (const PolicyGate& written : load_policy(arguments.policy).gates) {
      if (!written.test_set.empty() && written.test_set != set.name && written.test_set != set.path.stem()) continue;
      const auto more = gates_of(written);
      gates.insert(gates.end(), more.begin(), more.end());
    }
  }
  check_gates(gates, set);
  return gates;
}

ReportData weights_from(const std::vector<std::string>& reports) {
  ReportData data = load_reports(reports);
  if (data.judgement)
    throw Error(ErrorCode::kUsage, "one of them is a judgement; name reports of compare --weights-only or quantize",
                "--weights");
  return data;
}

int run_eval(const EvalArguments& arguments, const JudgeArguments& judging, const RenderArguments& rendering,
             const Globals& globals) {
  if (!globals.report.empty()) check_output_is_free(globals.report, globals.replace());
  check_renderings_are_free(rendering, globals);
  ReportData data = weights_from(arguments.weight_reports);
  const TestSet set = load_test_set(arguments.test_set);
  JudgeOptions options = judge_options(judging, globals);
  set_models(arguments, options);
  const std::vector<Gate> gates = gates_from(arguments, judging.confidence, set);
  auto& confidences = options.statistics.confidences_pct;
  confidences = {judging.confidence};
  for (const Gate& gate : gates) {
    const bool known = std::find(confidences.begin(), confidences.end(), gate.confidence_pct) != confidences.end();
    if (!known && gate.confidence_pct > 0) confidences.push_back(gate.confidence_pct);
  }
  const Judgement judgement = judge(set, options);
  const auto results = evaluate_gates(gates, judgement);
  answer(globals, judgement_json(judgement, results),
         judgement_text(judgement, results, globals.verbose ? Detail::kFull : Detail::kShort));
  data.judgement = judgement;
  data.gates = results;
  write_renderings(rendering, data, globals);
  if (all_is_well(judgement, results)) return 0;
  say(globals, "vetquant: a gate failed, or a judged model did: see the lines that begin with FAILED");
  return static_cast<int>(ErrorCode::kGate);
}

}  // namespace

Run add_eval(CLI::App& app, const Globals& globals) {
  CLI::App* command =
      app.add_subcommand("eval", "Judge models on a test set: accuracy with intervals, size, speed, memory, gates");
  auto arguments = std::make_shared<EvalArguments>();
  command
      ->add_option("MODEL", arguments->models,
                   "Models, files or folders; the first is the baseline where --baseline names none")
      ->required();
  command
      ->add_option("--test-set", arguments->test_set, "A test set's .yaml, or a .npz with arrays named like the inputs")
      ->required()
      ->type_name("FILE");
  command->add_option("--baseline", arguments->baseline, "The model that the others are compared with")
      ->type_name("MODEL");
  command
      ->add_option(
          "--gate", arguments->gates,
          "METRIC OP VALUE: 'top1>=-0.5' (points against the baseline), 'file_bytes<=30MB', 'latency_ms<=0.8x'")
      ->type_name("GATE")
      ->allow_extra_args(false);
  command->add_option("--policy", arguments->policy, "Take the gates of this policy, too")->type_name("POLICY");
  command
      ->add_option("--weights", arguments->weight_reports,
                   "A report of compare --weights-only or quantize: the HTML page shows its weights' errors, too")
      ->type_name("REPORT")
      ->allow_extra_args(false);
  const auto judging = add_judge_arguments(*command);
  add_cache_arguments(*command, *judging);
  command->add_option("--confidence", judging->confidence, "Of the intervals, in percent")
      ->check(CLI::Range(50.0, 99.99))
      ->capture_default_str();
  const auto rendering = add_render_arguments(*command, Renderings::kAll);
  return [arguments, judging, rendering, &globals] { return run_eval(*arguments, *judging, *rendering, globals); };
}

}  // namespace vetquant::cli
