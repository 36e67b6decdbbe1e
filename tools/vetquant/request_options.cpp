#include "request_options.h"

#include "shape_options.h"
#include "vetquant/pipeline/self_check.h"
#include "vetquant/policy/statistics_file.h"

namespace vetquant::cli {

std::shared_ptr<RequestOptions> add_request_options(CLI::App& command) {
  auto options = std::make_shared<RequestOptions>();
  command.add_option("MODEL", options->request.model, "The float model, an .onnx file")->required();
  options->policy =
      command.add_option("--policy", options->request.policy, "A preset's name (`vetquant presets`) or a policy file")
          ->capture_default_str();
  command.add_option("--target", options->target,
                     "A target's name (`vetquant targets`) or a profile (default: the policy's, else ort-cpu)");
  command.add_option("--shape", options->shapes, kShapeHelp)->type_name("INPUT=DIMS");
  command
      .add_option(
          "--profile-on", options->request.profile_on,
          "Take the shapes of inputs from the samples of a test set: the best form of a product hangs on its rows")
      ->type_name("TEST_SET");
  command
      .add_option(
          "--calibration", options->request.calibration,
          "For policies that ask for static activations: samples (a test set's .yaml or a .npz) that tell their "
          "ranges, or a statistics file of `vetquant calibrate`")
      ->type_name("FILE");
  command.add_option("--sidecar", options->sidecar, "Weights in a file of their own: auto (above 2 GB), always, never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  command.add_option("--explain", options->explain, "Tell why this tensor or node gets what it gets")
      ->type_name("NAME");
  return options;
}

void take_run_options(const JudgeArguments& judging, const Globals& globals, CalibrationOptions& options) {
  const JudgeOptions run = judge_options(judging, globals);
  options.runtime_library = run.runtime_library;
  options.worker = run.worker;
  options.limits = run.limits;
  options.threads = globals.threads;
  options.cache = run.cache;
  options.progress = run.progress;
}

namespace {

// By the method that the policy names.
quant::ActivationStatistics calibrated(const Source& source, const std::filesystem::path& samples, const Policy& policy,
                                       const Globals& globals) {
  CalibrationOptions options;
  const CalibrationSettings& wish = policy.calibration;
  if (!wish.method.empty())
    options.range.method = quant::range_method(wish.method).value();  // the parser knows no other
  options.range.percentile = wish.percentile.value_or(options.range.percentile);
  options.max_memory_bytes = wish.max_memory_bytes.value_or(0);
  take_run_options(JudgeArguments{}, globals, options);
  quant::ActivationStatistics statistics = obtain_statistics(source, samples, options);
  for (const std::string& doubt : doubts_about(statistics)) say(globals, "calibration: " + doubt);
  return statistics;
}

SelfChecked self_checked(const SelfCheckSubject& subject, const std::filesystem::path& samples,
                         const Globals& globals) {
  CalibrationOptions run;
  take_run_options(JudgeArguments{}, globals, run);
  AlgorithmSet algorithms;
  for (const std::string& plugin : globals.plugins) algorithms.load_plugin(plugin);
  SelfCheckOptions options;
  options.samples = samples;
  options.runtime_library = run.runtime_library;
  options.worker = run.worker;
  options.limits = run.limits;
  options.threads = run.threads;
  options.algorithms = &algorithms;
  options.progress = run.progress;
  return find_nodes_to_put_back(subject, options);
}

}  // namespace

Request request_of(const RequestOptions& options, const Globals& globals) {
  Request request = options.request;
  if (!request.calibration.empty() && !is_statistics_file(request.calibration.string())) {
    request.calibrate = [samples = request.calibration, &globals](const Source& source, const Policy& policy) {
      return calibrated(source, samples, policy, globals);
    };
    request.self_check = [samples = request.calibration, &globals](const SelfCheckSubject& subject) {
      return self_checked(subject, samples, globals);
    };
  }
  if (!options.target.empty()) request.target = options.target;
  request.sidecar = options.sidecar == "always"  ? Sidecar::kAlways
                    : options.sidecar == "never" ? Sidecar::kNever
                                                 : Sidecar::kAuto;
  request.shapes = shape_bindings(options.shapes);
  return request;
}

}  // namespace vetquant::cli
