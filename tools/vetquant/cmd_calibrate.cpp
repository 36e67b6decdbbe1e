// vetquant calibrate: the ranges of a model's activations on samples, as a file that people can read and edit.
#include "commands.h"
#include "judge_options.h"
#include "request_options.h"
#include "statistics_view.h"
#include "vetquant/core/error.h"
#include "vetquant/pipeline/calibration.h"
#include "vetquant/policy/statistics_file.h"

namespace vetquant::cli {
namespace {

struct CalibrateArguments {
  std::string model, samples, output, method = "minmax";
  quant::RangeSettings range;
  bool symmetric = false;
  uint64_t max_memory_bytes = 0;
  CLI::Option *percentile = nullptr, *bits = nullptr;
};

quant::RangeSettings range_settings(const CalibrateArguments& arguments) {
  using quant::RangeMethod;
  quant::RangeSettings settings = arguments.range;
  settings.method = quant::range_method(arguments.method).value();  // the parser knows no other
  settings.symmetry = arguments.symmetric ? Symmetry::kSymmetric : Symmetry::kAsymmetric;
  if (arguments.percentile->count() > 0 && settings.method != RangeMethod::kPercentile)
    throw Error(ErrorCode::kUsage, "belongs to --method percentile", "--percentile");
  if (arguments.bits->count() > 0 && settings.method != RangeMethod::kEntropy && settings.method != RangeMethod::kMse)
    throw Error(ErrorCode::kUsage, "belongs to --method entropy and --method mse", "--bits");
  return settings;
}

int calibrate(const CalibrateArguments& arguments, const JudgeArguments& judging, const Globals& globals) {
  CalibrationOptions options;
  options.range = range_settings(arguments);
  check_output_is_free(arguments.output, globals.replace());
  if (is_statistics_file(arguments.samples))
    throw Error(ErrorCode::kUsage, "holds statistics already; give a test set or a .npz of inputs", arguments.samples);
  options.max_memory_bytes = arguments.max_memory_bytes;
  take_run_options(judging, globals, options);
  const quant::ActivationStatistics statistics =
      obtain_statistics(load_source(arguments.model), arguments.samples, options);
  write_whole_file(arguments.output, to_yaml(statistics), globals.replace());
  answer(globals, statistics_json(statistics, arguments.output), statistics_summary(statistics, arguments.output));
  return 0;
}

}  // namespace

Run add_calibrate(CLI::App& app, const Globals& globals) {
  CLI::App* command = app.add_subcommand(
      "calibrate", "Measure the ranges of a model's activations on samples, for static quantization");
  auto arguments = std::make_shared<CalibrateArguments>();
  command->add_option("MODEL", arguments->model, "The float model, an .onnx file")->required();
  command
      ->add_option("--samples", arguments->samples, "A test set's .yaml, or a .npz with arrays named like the inputs")
      ->required()
      ->type_name("FILE");
  command->add_option("-o,--output", arguments->output, "The statistics file to write")->required()->type_name("FILE");
  command->add_option("--method", arguments->method, "How a range is chosen from what was seen")
      ->check(CLI::IsMember({"minmax", "percentile", "entropy", "mse", "mean"}))
      ->capture_default_str();
  arguments->percentile =
      command->add_option("--percentile", arguments->range.percentile, "Of the values that stay within the range")
          ->check(CLI::Range(50.0, 100.0))
          ->capture_default_str();
  arguments->bits = command->add_option("--bits", arguments->range.bits, "Of the codes that the range is for")
                        ->check(CLI::Range(4, 16))
                        ->capture_default_str();
  command->add_flag("--symmetric", arguments->symmetric, "Ranges with equal ends on both sides of 0");
  command
      ->add_option("--max-memory", arguments->max_memory_bytes,
                   "Of all processes together, such as 2GB: fewer run at once where it is short (default: any)")
      ->transform(CLI::AsSizeValue(true));
  auto judging = std::make_shared<JudgeArguments>();
  command
      ->add_option("--runtime-lib", judging->runtime_library,
                   "ONNX Runtime's library or its folder (default: $VETQUANT_ONNXRUNTIME_LIB, else the one shipped)")
      ->type_name("PATH");
  command->add_option("--timeout", judging->timeout_s, "Seconds that one step of a sample may take; 0: any")
      ->check(CLI::NonNegativeNumber);
  add_cache_arguments(*command, *judging);
  return [arguments, judging, &globals] { return calibrate(*arguments, *judging, globals); };
}

}  // namespace vetquant::cli
