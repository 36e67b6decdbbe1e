// vetquant plan: every decision with its reason and bytes; nothing is written but the lock file that was asked for.
#include "commands.h"
#include "plan_view.h"
#include "request_options.h"
#include "vetquant/pipeline/lock.h"

namespace vetquant::cli {

Run add_plan(CLI::App& app, const Globals& globals) {
  CLI::App* command =
      app.add_subcommand("plan", "Show what would happen to every tensor, why, and the exact size of the result");
  const auto options = add_request_options(*command);
  command
      ->add_option(
          "-o,--output", options->request.output,
          "The name that `quantize` will get: with a sidecar it stands in the model, and its length in the size")
      ->type_name("FILE");
  command->add_option("--lock", options->lock, "Save the plan, with the model's digest, for `quantize --lock`")
      ->type_name("FILE");
  return [options, &globals] {
    const bool lock = !options->lock.empty();
    if (lock) check_output_is_free(options->lock, globals.replace());
    const Prepared prepared = prepare(request_of(*options, globals));
    if (!options->explain.empty()) {
      const std::string text = explain_text(prepared, options->explain);
      answer(globals, {{"schema", "vetquant.explain/1"}, {"name", options->explain}, {"text", text}}, text);
      return 0;
    }
    if (lock) write_whole_file(options->lock, make_lock(prepared), globals.replace());
    answer(globals, plan_json(prepared), plan_text(prepared, globals.verbose));
    return 0;
  };
}

}  // namespace vetquant::cli
