// vetquant compare: where a quantized model differs from its float source: weight by weight, and at the outputs.
#include "commands.h"
#include "judge_options.h"
#include "render_options.h"
#include "vetquant/core/error.h"
#include "vetquant/report/comparison_report.h"
#include "vetquant/report/judgement_report.h"

namespace vetquant::cli {
namespace {

struct CompareArguments {
  std::string float_model, quantized, test_set;
  bool weights_only = false;
};

// A set with answers is only taken for its inputs here.
TestSet inputs_for(const CompareArguments& arguments, const JudgeArguments& judging) {
  if (arguments.test_set.empty()) return random_test_set(random_settings(judging));
  TestSet set = load_test_set(arguments.test_set);
  set.task = TaskKind::kTensors;
  return set;
}

int run_compare(const CompareArguments& arguments, const JudgeArguments& judging, const RenderArguments& rendering,
                const Globals& globals) {
  if (!globals.report.empty()) check_output_is_free(globals.report, globals.replace());
  check_renderings_are_free(rendering, globals);
  Comparison comparison{arguments.float_model, arguments.quantized, {}, std::nullopt};
  comparison.weights = compare_weights(arguments.float_model, arguments.quantized, progress_sink(globals));
  if (!arguments.weights_only) {
    JudgeOptions options = judge_options(judging, globals);
    options.models = {arguments.float_model, arguments.quantized};
    comparison.outputs = judge(inputs_for(arguments, judging), options);
  }
  constexpr size_t kShown = 20;
  answer(globals, comparison_json(comparison), comparison_text(comparison, globals.verbose ? 0 : kShown));
  write_renderings(rendering, {comparison.outputs, {}, {{comparison.quantized, comparison.weights.weights}}}, globals);
  return !comparison.outputs || all_is_well(*comparison.outputs, {}) ? 0 : static_cast<int>(ErrorCode::kGate);
}

}  // namespace

Run add_compare(CLI::App& app, const Globals& globals) {
  CLI::App* command = app.add_subcommand(
      "compare", "Show where a quantized model differs from its float source: weights, then outputs");
  auto arguments = std::make_shared<CompareArguments>();
  command->add_option("FLOAT", arguments->float_model, "The float model")->required();
  command->add_option("QUANT", arguments->quantized, "The quantized model")->required();
  command->add_option("--test-set", arguments->test_set, "Inputs (default: seeded random ones)")->type_name("FILE");
  command->add_flag("--weights-only", arguments->weights_only, "Do not run the models");
  const auto judging = add_judge_arguments(*command);
  add_random_arguments(*command, *judging);
  const auto rendering = add_render_arguments(*command, Renderings::kHtml);
  return [arguments, judging, rendering, &globals] { return run_compare(*arguments, *judging, *rendering, globals); };
}

}  // namespace vetquant::cli
