// vetquant check: what of a model a target's accelerator takes, node by node, and what to change for the rest.
#include "cmd_check.h"

#include "check_view.h"
#include "shape_options.h"
#include "vetquant/core/error.h"
#include "vetquant/model/rewrites.h"
#include "vetquant/policy/operator_support.h"

namespace vetquant::cli {
namespace {

struct CheckOptions {
  std::filesystem::path model;
  std::string target;
  std::vector<std::string> shapes;
  bool nodes = false, no_cpu_fallback = false;
};

int check(const CheckOptions& options, const Globals& globals) {
  const TargetProfile target = load_target(options.target);  // before the model: a typo is told at once
  TargetSupport support = support_of(target);
  if (options.no_cpu_fallback) {
    if (support.accelerator == nullptr)
      throw Error(ErrorCode::kUsage, "target " + target.name + " is a CPU; it has nothing to fall back from",
                  "--no-cpu-fallback");
    Accelerator alone = *support.accelerator;
    alone.cpu_fallback = false;
    support.accelerator = std::make_shared<const Accelerator>(std::move(alone));
  }
  const Rewritten fixed = fix_shapes(Model::load(options.model), shape_bindings(options.shapes));
  const GraphIndex index(fixed.model->skeleton());
  const ConstantFinder constants(*fixed.model, index);
  const TargetCheck result = check_target(*fixed.model, index, constants, target, support);
  const std::string name = options.model.filename().string();
  const CheckFacts facts{name, index, target, support, result, fixed.steps};
  answer(globals, check_json(facts), options.nodes ? check_nodes_text(facts) : check_text(facts));
  return result.runs() ? 0 : static_cast<int>(ErrorCode::kUnsupported);
}

}  // namespace

Run add_check(CLI::App& app, const Globals& globals) {
  CLI::App* command =
      app.add_subcommand("check", "Show what of a model a target takes, node by node, and what to change for the rest");
  const auto options = std::make_shared<CheckOptions>();
  command->add_option("MODEL", options->model, "An .onnx file, float or quantized")->required();
  command->add_option("--target", options->target, "A target's name (`vetquant targets`) or a profile")->required();
  command->add_option("--shape", options->shapes, kShapeHelp)->type_name("INPUT=DIMS");
  command->add_flag("--nodes", options->nodes, "One line for each node instead of groups");
  command->add_flag("--no-cpu-fallback", options->no_cpu_fallback,
                    "What the accelerator does not take is refused (exit code 3)");
  return [options, &globals] { return check(*options, globals); };
}

}  // namespace vetquant::cli
