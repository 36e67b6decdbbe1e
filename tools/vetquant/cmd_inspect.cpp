// vetquant inspect: what is in a model, and what each preset would make of it.
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>

#include "commands.h"
#include "model_facts.h"
#include "statistics_view.h"
#include "vetquant/core/error.h"
#include "vetquant/core/parallel.h"
#include "vetquant/core/text.h"
#include "vetquant/pipeline/pipeline.h"
#include "vetquant/policy/statistics_file.h"

namespace vetquant::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kWidth = 100;

struct InspectOptions {
  std::filesystem::path model;
  std::string target;
  std::vector<std::string> shapes;
  size_t top = 10;
  bool nodes = false;
};

struct PresetOutcome {
  std::string preset, problem;  // why it cannot be done, or ""
  uint64_t bytes = 0;
  size_t tensors = 0, kept = 0;
};

struct TypeSum {
  size_t tensors = 0;
  uint64_t elements = 0, bytes = 0;
};

double share_of(uint64_t part, uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<uint64_t>(1, whole));
}

std::string shape_text(const Shape& shape) {
  std::string text;
  for (const int64_t dim : shape) text += (text.empty() ? "" : "x") + std::to_string(dim);
  return text.empty() ? "scalar" : text;
}

// "  MatMul 96, Add 80, ..." in lines of at most kWidth columns.
std::string wrapped(const std::vector<std::string>& words) {
  std::string text, line = "  ";
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string word = words[i] + (i + 1 < words.size() ? "," : "");
    if (line.size() > 2 && line.size() + 1 + word.size() > kWidth) {
      text += line + "\n";
      line = "  ";
    }
    line += (line.size() > 2 ? " " : "") + word;
  }
  return text + line + "\n";
}

std::vector<std::string> counts_text(const std::vector<std::pair<std::string, size_t>>& counts) {
  std::vector<std::string> words;
  for (const auto& [name, count] : counts) words.push_back(printable(name, 60) + " " + std::to_string(count));
  return words;
}

Request request_for(const InspectOptions& options, const std::string& preset) {
  Request request;
  request.model = options.model;
  request.policy = preset;
  if (!options.target.empty()) request.target = options.target;
  for (auto& [input, shape] : parse_shapes(options.shapes)) request.shapes.push_back({input, shape});
  return request;
}

std::string why_nothing(const Prepared& prepared) {
  const std::string why =
      prepared.plan.kept.empty()
          ? "no float weight of " + std::to_string(prepared.policy.tensors.min_elements) + " elements or more"
          : prepared.plan.kept.front().reason.text;
  return why;
}

std::vector<PresetOutcome> try_presets(const InspectOptions& options, const Source& source, int threads) {
  const std::vector<Preset>& all = presets();
  std::vector<PresetOutcome> outcomes(all.size());
  parallel_for(all.size(), threads, [&](uint64_t i) {
    PresetOutcome& outcome = outcomes[i];
    outcome.preset = all[i].name;
    if (load_policy(outcome.preset).defaults.activations == Activations::kStatic) {
      outcome.problem = "needs the ranges of activations: --calibration";
      return;
    }
    try {
      const Prepared prepared = prepare(request_for(options, outcome.preset), source);
      outcome.bytes = prepared.sizes.total_bytes();
      outcome.tensors = prepared.plan.tensors.size();
      outcome.kept = prepared.plan.kept.size();
      if (prepared.plan.changes_nothing()) outcome.problem = why_nothing(prepared);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInterrupted || error.code() == ErrorCode::kInternal) throw;
      outcome.problem = error.what();
    }
  });
  return outcomes;
}

std::vector<std::pair<std::string, TypeSum>> sums_by_type(const ModelFacts& facts) {
  std::map<std::string, TypeSum> sums;
  for (const WeightFact& weight : facts.weights) {
    TypeSum& sum = sums[std::string(name_of(weight.dtype))];
    ++sum.tensors;
    sum.elements += weight.elements;
    sum.bytes += weight.bytes;
  }
  std::vector<std::pair<std::string, TypeSum>> sorted(sums.begin(), sums.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second.bytes > b.second.bytes; });
  return sorted;
}

std::string header_text(const Model& model, const ModelFacts& facts) {
  std::string text = model.path().filename().string() + "  " + human_bytes(model.total_bytes());
  if (!facts.external_files.empty()) {
    text += ": " + human_bytes(model.file_bytes()) + " in the model, " + human_bytes(model.external_bytes()) + " in " +
            counted(facts.external_files.size(), "external file");
  }
  text += "\nIR " + std::to_string(model.skeleton().ir_version());
  for (const auto& [domain, version] : facts.opsets) {
    text += ", " + (domain == "ai.onnx" ? "opset" : printable(domain, 40)) + " " + std::to_string(version);
  }
  if (!facts.producer.empty()) text += ", made by " + printable(facts.producer, 60);
  size_t nodes = 0;
  for (const ScopeFact& scope : facts.scopes) nodes += scope.nodes;
  return text + "\n" + counted(nodes, "node") + " in " + counted(facts.scopes.size(), "scope") + "\n";
}

std::string scopes_text(const ModelFacts& facts) {
  if (facts.scopes.size() < 2) return {};
  Table table({"scope", "kind", "nodes"}, "<<>", 0, kWidth);
  for (const ScopeFact& scope : facts.scopes) table.row({scope.path, scope.kind, std::to_string(scope.nodes)});
  return "\n" + table.text();
}

// Addresses of unnamed nodes ("MatMul>out_12") begin with the operator already.
std::string user_text(const WeightFact& weight) {
  if (weight.user.empty()) return "nothing";
  if (weight.user.find('>') != std::string::npos) return weight.user;
  return weight.user_op.substr(weight.user_op.rfind(':') + 1) + " " + weight.user;
}

std::string weights_text(const Model& model, const ModelFacts& facts, size_t top) {
  if (facts.weights.empty()) return "\nno weights\n";
  Table types({"weights", "tensors", "elements", "bytes", "of the file"}, "<>>>>", 0, kWidth);
  for (const auto& [type, sum] : sums_by_type(facts)) {
    types.row({type, std::to_string(sum.tensors), std::to_string(sum.elements), human_bytes(sum.bytes),
               percent(share_of(sum.bytes, model.total_bytes()))});
  }
  Table biggest({"biggest", "type", "shape", "bytes", "share", "used by"}, "<<<>>", 0, kWidth);
  for (size_t i = 0; i < std::min(top, facts.weights.size()); ++i) {
    const WeightFact& weight = facts.weights[i];
    biggest.row({weight.address, std::string(name_of(weight.dtype)), shape_text(weight.shape),
                 human_bytes(weight.bytes), percent(share_of(weight.bytes, model.total_bytes())),
                 shorten_middle(printable(user_text(weight), 400), 36)});
  }
  return "\n" + types.text() + (top == 0 ? "" : "\n" + biggest.text());
}

std::string list_text(const std::string& title, const std::vector<std::string>& names) {
  if (names.empty()) return {};
  constexpr size_t kShown = 5;
  std::string text = "\n" + title + ":\n";
  for (size_t i = 0; i < std::min(kShown, names.size()); ++i)
    text += "  " + shorten_middle(printable(names[i], 400), kWidth - 2) + "\n";
  if (names.size() > kShown) text += "  and " + std::to_string(names.size() - kShown) + " more\n";
  return text;
}

std::string ties_text(const ModelFacts& facts) {
  std::vector<std::string> lines;
  for (const TiedTensor& tied : facts.ties) {
    const TiedCopy& first = tied.copies.front();
    std::string line = shorten_middle(printable(first.name, 400), 40) + " [" + shape_text(first.shape) + "] ";
    line += tied.copies.size() > 1 ? "is stored " + std::to_string(tied.copies.size()) + " times" : "is stored once";
    if (tied.looked_up && tied.multiplied) line += ", looked up and multiplied with";
    lines.push_back(line);
  }
  return list_text("tied (equal as far as sampled)", lines);
}

std::string presets_text(const Model& model, const std::vector<PresetOutcome>& outcomes) {
  Table table({"preset", "size", "of the file", "tensors", "kept", ""}, "<>>>>", 5, kWidth);
  for (const PresetOutcome& outcome : outcomes) {
    if (!outcome.problem.empty()) {
      table.row({outcome.preset, "-", "-", "-", "-", outcome.problem});
    } else {
      table.row({outcome.preset, human_bytes(outcome.bytes), percent(share_of(outcome.bytes, model.total_bytes())),
                 std::to_string(outcome.tensors), std::to_string(outcome.kept), ""});
    }
  }
  return "\n" + table.text();
}

std::string text_of(const Model& model, const ModelFacts& facts, const std::vector<PresetOutcome>& outcomes,
                    size_t top) {
  std::string text = header_text(model, facts) + scopes_text(facts);
  text += "\noperators:\n" + wrapped(counts_text(facts.operators));
  text += weights_text(model, facts, top) + ties_text(facts);
  if (!facts.quantized_operators.empty())
    text += "\nalready quantized:\n" + wrapped(counts_text(facts.quantized_operators));
  text +=
      list_text("initializers that callers may override (no longer once quantized; `overridable: keep` leaves them)",
                facts.overridable);
  text += list_text("sparse initializers (they stay as they are)", facts.sparse);
  text += list_text("domains that vetquant does not know (their operators stay as they are)", facts.unknown_domains);
  return text + presets_text(model, outcomes);
}

Json weight_json(const WeightFact& weight) {
  return {{"name", weight.address}, {"type", name_of(weight.dtype)}, {"shape", weight.shape}, {"bytes", weight.bytes},
          {"op", weight.user_op},   {"node", weight.user},           {"uses", weight.users}};
}

Json counts_json(const std::vector<std::pair<std::string, size_t>>& counts) {
  Json json = Json::object();
  for (const auto& [name, count] : counts) json[name] = count;
  return json;
}

Json json_of(const Model& model, const ModelFacts& facts, const std::vector<PresetOutcome>& outcomes) {
  Json external = Json::array(), opsets = Json::object(), scopes = Json::array(), types = Json::object(),
       weights = Json::array(), ties = Json::array(), by_preset = Json::array();
  for (const auto& [name, bytes] : facts.external_files) external.push_back({{"file", name}, {"bytes", bytes}});
  for (const auto& [domain, version] : facts.opsets) opsets[domain] = version;
  for (const ScopeFact& scope : facts.scopes)
    scopes.push_back({{"path", scope.path}, {"kind", scope.kind}, {"nodes", scope.nodes}});
  for (const auto& [type, sum] : sums_by_type(facts))
    types[type] = {{"tensors", sum.tensors}, {"elements", sum.elements}, {"bytes", sum.bytes}};
  for (const WeightFact& weight : facts.weights) weights.push_back(weight_json(weight));
  for (const TiedTensor& tied : facts.ties) {
    Json copies = Json::array();
    for (const TiedCopy& copy : tied.copies)
      copies.push_back({{"name", copy.name}, {"shape", copy.shape}, {"bytes", copy.bytes}, {"nodes", copy.nodes}});
    ties.push_back({{"copies", copies}, {"looked_up", tied.looked_up}, {"multiplied", tied.multiplied}});
  }
  for (const PresetOutcome& outcome : outcomes) {
    if (outcome.problem.empty()) {
      by_preset.push_back(
          {{"preset", outcome.preset}, {"bytes", outcome.bytes}, {"tensors", outcome.tensors}, {"kept", outcome.kept}});
    } else {
      by_preset.push_back({{"preset", outcome.preset}, {"problem", outcome.problem}});
    }
  }
  return {
      {"schema", "vetquant.inspect/1"},
      {"model", model.path().filename().string()},
      {"bytes", {{"file", model.file_bytes()}, {"external", model.external_bytes()}, {"total", model.total_bytes()}}},
      {"external_files", external},
      {"ir_version", model.skeleton().ir_version()},
      {"producer", facts.producer},
      {"opsets", opsets},
      {"scopes", scopes},
      {"operators", counts_json(facts.operators)},
      {"weights_by_type", types},
      {"weights", weights},
      {"tied", ties},
      {"overridable", facts.overridable},
      {"sparse", facts.sparse},
      {"quantized_operators", counts_json(facts.quantized_operators)},
      {"unknown_domains", facts.unknown_domains},
      {"presets", by_preset}};
}

// Whole addresses, one a line: what a policy's globs are matched against.
int print_nodes(const Model& model, const GraphIndex& index, const Globals& globals) {
  Json nodes = Json::array();
  std::string text;
  for (const NodeInfo& node : index.nodes()) {
    const std::string op = (node.proto->domain().empty() ? "" : node.proto->domain() + ":") + node.proto->op_type();
    nodes.push_back({{"node", node.address}, {"op", op}});
    text += printable(op, 400) + "  " + printable(node.address, 4000) + "\n";
  }
  answer(globals, {{"schema", "vetquant.nodes/1"}, {"model", model.path().filename().string()}, {"nodes", nodes}},
         text);
  return 0;
}

int inspect_statistics(const InspectOptions& options, const Globals& globals) {
  const quant::ActivationStatistics statistics = read_statistics(options.model);
  answer(globals, statistics_json(statistics, options.model), statistics_text(statistics, options.model, options.top));
  return 0;
}

int inspect(const InspectOptions& options, const Globals& globals) {
  if (is_statistics_file(options.model)) return inspect_statistics(options, globals);
  const Source source = load_source(options.model);
  const Model& model = *source.model;
  if (options.nodes) return print_nodes(model, *source.index, globals);
  if (!options.target.empty()) load_target(options.target);  // a typo is an error of the call, not of every preset
  const ConstantFinder constants(model, *source.index);
  const ModelFacts facts = facts_of(model, *source.index, constants);
  const std::vector<PresetOutcome> outcomes = try_presets(options, source, globals.threads);
  answer(globals, json_of(model, facts, outcomes), text_of(model, facts, outcomes, options.top));
  return 0;
}

}  // namespace

Run add_inspect(CLI::App& app, const Globals& globals) {
  CLI::App* command = app.add_subcommand("inspect", "Show what is in a model, and what each preset would make of it");
  const auto options = std::make_shared<InspectOptions>();
  command->add_option("MODEL", options->model, "An .onnx file, or a statistics file of calibrate")->required();
  command->add_option("--target", options->target, "The target for which presets are tried")->type_name("NAME");
  command->add_option("--shape", options->shapes, "Fix an input's shape: INPUT=1x80x3000")->type_name("INPUT=DIMS");
  command->add_option("--top", options->top, "How many of the biggest tensors to show")->capture_default_str();
  command->add_flag("--nodes", options->nodes, "List the address of every node, for writing policies");
  return [options, &globals] { return inspect(*options, globals); };
}

}  // namespace vetquant::cli
