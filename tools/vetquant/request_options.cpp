#include "request_options.h"

namespace vetquant::cli {

std::shared_ptr<RequestOptions> add_request_options(CLI::App& command) {
  auto options = std::make_shared<RequestOptions>();
  command.add_option("MODEL", options->request.model, "The float model, an .onnx file")->required();
  options->policy =
      command.add_option("--policy", options->request.policy, "A preset's name (`vetquant presets`) or a policy file")
          ->capture_default_str();
  command.add_option("--target", options->target,
                     "A target's name (`vetquant targets`) or a profile (default: the policy's, else ort-cpu)");
  command.add_option("--shape", options->shapes, "Fix an input's shape: INPUT=1x80x3000")->type_name("INPUT=DIMS");
  command
      .add_option(
          "--profile-on", options->request.profile_on,
          "Take the shapes of inputs from the samples of a test set: the best form of a product hangs on its rows")
      ->type_name("TEST_SET");
  command
      .add_option("--calibration", options->request.calibration,
                  "The ranges of activations, for policies that ask for static ones: a statistics file")
      ->type_name("STATISTICS");
  command.add_option("--sidecar", options->sidecar, "Weights in a file of their own: auto (above 2 GB), always, never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  command.add_option("--explain", options->explain, "Tell why this tensor or node gets what it gets")
      ->type_name("NAME");
  return options;
}

Request request_of(const RequestOptions& options) {
  Request request = options.request;
  if (!options.target.empty()) request.target = options.target;
  request.sidecar = options.sidecar == "always"  ? Sidecar::kAlways
                    : options.sidecar == "never" ? Sidecar::kNever
                                                 : Sidecar::kAuto;
  for (auto& [input, shape] : parse_shapes(options.shapes)) request.shapes.push_back({input, shape});
  return request;
}

}  // namespace vetquant::cli
