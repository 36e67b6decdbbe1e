// vetquant quantize: the whole way from a float model to a smaller one.
#include <cmath>
#include <filesystem>

#include "commands.h"
#include "plan_view.h"
#include "request_options.h"
#include "vetquant/core/text.h"
#include "vetquant/pipeline/lock.h"
#include "vetquant/quant/algorithm.h"

namespace vetquant::cli {
namespace {

using Json = nlohmann::ordered_json;

Json result_json(const Prepared& prepared, const WriteResult& result) {
  Json document = plan_json(prepared);
  document["schema"] = "vetquant.quantize/1";
  Json output = {{"model", result.model_path.filename().string()},
                 {"bytes", result.sizes.model_bytes},
                 {"xxh3_128", result.model_digest}};
  if (!result.sidecar_path.empty()) {
    output["sidecar"] = {{"file", result.sidecar_path.filename().string()},
                         {"bytes", result.sizes.sidecar_bytes},
                         {"xxh3_128", result.sidecar_digest}};
  }
  document["output"] = std::move(output);
  Json weights = Json::array();
  for (const TensorResult& tensor : result.tensors) {
    Json entry = {{"name", tensor.name}};
    entry["sqnr_db"] = std::isfinite(tensor.sqnr_db) ? Json(tensor.sqnr_db) : Json(nullptr);  // null: equal
    entry["max_error"] = tensor.max_error;
    if (tensor.halves.overflowed > 0) entry["overflowed"] = tensor.halves.overflowed;
    if (tensor.halves.underflowed > 0) entry["underflowed"] = tensor.halves.underflowed;
    weights.push_back(std::move(entry));
  }
  document["weights"] = std::move(weights);
  return document;
}

std::string result_text(const Prepared& prepared, const WriteResult& result) {
  const uint64_t before = prepared.model->total_bytes(), after = result.sizes.total_bytes();
  std::string text = result.model_path.string() + ": " + human_bytes(before) + " -> " + human_bytes(after) + " (" +
                     percent(static_cast<double>(after) / static_cast<double>(before)) + ")";
  if (!result.sidecar_path.empty()) text += ", weights in " + result.sidecar_path.filename().string();
  text += "\n" + counted(prepared.plan.tensors.size(), "tensor") + " in " +
          counted(prepared.plan.nodes.size(), "node") + " by policy " + prepared.plan.policy_name + " for " +
          prepared.plan.target_name;
  if (!prepared.plan.kept.empty())
    text += "; " + counted(prepared.plan.kept.size(), "weight") + " kept (see `vetquant plan`)";
  text += "\n";
  HalfCounts halves;
  for (const TensorResult& tensor : result.tensors) halves += tensor.halves;
  if (halves.overflowed > 0)
    text +=
        "warning: " + std::to_string(halves.overflowed) + " values beyond the range of the half type were clamped\n";
  if (halves.underflowed > 0)
    text += "note: " + std::to_string(halves.underflowed) + " values too small for the half type became 0\n";
  for (const std::string& warning : prepared.plan.warnings) text += "warning: " + printable(warning, 400) + "\n";
  return text;
}

}  // namespace

Run add_quantize(CLI::App& app, const Globals& globals) {
  CLI::App* command = app.add_subcommand("quantize", "Write a smaller model as a policy says");
  const auto options = add_request_options(*command);
  command->add_option("-o,--output", options->request.output, "The model to write")->required();
  command->add_option("--lock", options->lock, "Do exactly what this saved plan says, or stop")
      ->type_name("FILE")
      ->excludes(options->policy);
  return [options, &globals] {
    AlgorithmSet algorithms;
    for (const std::string& plugin : globals.plugins) algorithms.load_plugin(plugin);
    Request request = request_of(*options, globals);
    request.threads = globals.threads;
    check_output_is_free(request.output, globals.replace());
    const Prepared prepared = options->lock.empty() ? prepare(request) : prepare_locked(request, options->lock);
    if (!options->explain.empty()) say(globals, explain_text(prepared, options->explain));
    WriteOptions write;
    write.output = request.output;
    write.replace = globals.replace();
    write.sidecar = request.sidecar;
    write.measure = globals.json || !globals.report.empty() ? Measure::kYes : Measure::kNo;
    write.threads = globals.threads;
    write.progress = progress_sink(globals);
    const WriteResult result = quantize(prepared, algorithms, write);
    answer(globals, result_json(prepared, result), result_text(prepared, result));
    return 0;
  };
}

}  // namespace vetquant::cli
