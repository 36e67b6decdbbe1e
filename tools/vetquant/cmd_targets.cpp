// vetquant targets: the runtimes that vetquant knows, and what each of them can run; `measure` makes a profile with the costs
// of this machine.
#include "commands.h"
#include "vetquant/core/error.h"
#include "vetquant/core/parallel.h"
#include "vetquant/core/text.h"
#include "vetquant/pipeline/measure_costs.h"
#include "vetquant/pipeline/processor.h"
#include "vetquant/policy/operator_support.h"
#include "vetquant/policy/target.h"

namespace vetquant::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string known_as(const ShippedTarget& target) {
  return target.name + (target.aliases.empty() ? "" : " (" + joined(target.aliases) + ")");
}

const ShippedTarget& target_of(const std::string& name) {
  std::vector<std::string> known;
  for (const ShippedTarget& target : shipped_targets()) {
    known.push_back(target.name);
    known.insert(known.end(), target.aliases.begin(), target.aliases.end());
    if (target.name == name) return target;
    for (const std::string& alias : target.aliases) {
      if (alias == name) return target;
    }
  }
  const std::string nearest = nearest_word(name, known);
  throw Error(ErrorCode::kUsage,
              "no target is called so" + (nearest.empty() ? std::string("; `vetquant targets` lists them")
                                                          : "; did you mean '" + nearest + "'?"),
              printable(name));
}

struct MeasureArguments {
  std::string output, extends, runtime_library;
  int rounds = 9;
  bool quick = false;
};

std::string fitting_target(const Processor& processor) {
  for (const ShippedTarget& target : shipped_targets()) {
    if (!processor.instruction_set.empty() && load_target(target.name).instruction_set == processor.instruction_set)
      return target.name;
  }
  throw Error(ErrorCode::kUsage, "no shipped target fits " + printable(processor.name) + "; name one by --extends",
              "targets measure");
}

std::string one_line(const std::string& text) { return printable(text, 100); }

std::string measured_profile(const std::string& name, const std::string& extends, const Processor& processor,
                             const CostTable& costs) {
  return "# Made by `vetquant targets measure`.\nversion: 1\nname: " + name + "\nextends: " + extends +
         "\ntitle: \"ONNX Runtime on " + one_line(processor.name) + "\"\n" + costs_text(costs);
}

// A name that YAML takes as it is.
std::string profile_name(const std::filesystem::path& output) {
  std::string name = output.stem().string();
  for (char& letter : name) {
    const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                       (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' || letter == '.';
    if (!plain) letter = '-';
  }
  return "cpu-" + name;
}

int measure(const MeasureArguments& arguments, const Globals& globals) {
  check_output_is_free(arguments.output, globals.replace());
  const Processor processor = this_processor();
  const std::string extends = arguments.extends.empty() ? fitting_target(processor) : arguments.extends;
  const TargetProfile target = load_target(extends);
  MeasureSettings settings;
  settings.runtime_library = find_runtime_library(arguments.runtime_library);
  settings.threads = globals.threads == 0 ? 1 : resolve_threads(globals.threads);
  settings.rounds = arguments.rounds;
  settings.quick = arguments.quick;
  settings.progress = progress_sink(globals);
  CostTable costs = measure_costs(target, settings);
  costs.source = std::string(arguments.quick ? "measured roughly" : "measured") + " on " + one_line(processor.name) +
                 ", " + costs.source;
  const std::string text = measured_profile(profile_name(arguments.output), extends, processor, costs);
  const TargetProfile made = parse_target(text, arguments.output);
  write_whole_file(arguments.output, text, globals.replace());
  answer(globals,
         {{"schema", "vetquant.target/1"},
          {"name", made.name},
          {"aliases", Json::array()},
          {"title", made.title},
          {"text", text}},
         text);
  return 0;
}

void add_measure(CLI::App& targets, const std::shared_ptr<MeasureArguments>& arguments) {
  CLI::App* command = targets.add_subcommand(
      "measure", "Time matrix products in each form on this machine and write a profile that knows the results");
  command->add_option("-o,--output", arguments->output, "The profile, a .yaml file")->type_name("FILE")->required();
  command->add_option("--extends", arguments->extends,
                      "The target whose forms and preferences it takes (default: the one of this processor)");
  command
      ->add_option("--runtime-lib", arguments->runtime_library,
                   "ONNX Runtime's library or its folder (default: $VETQUANT_ONNXRUNTIME_LIB, else the one shipped)")
      ->type_name("PATH");
  command->add_option("--runs", arguments->rounds, "Timed rounds of each size, each form once a round")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_flag("--quick", arguments->quick, "One small matrix: rough figures in a few seconds");
}

}  // namespace

Run add_targets(CLI::App& app, const Globals& globals) {
  CLI::App* command = app.add_subcommand("targets", "List the runtimes that vetquant knows, or print one's profile");
  const auto name = std::make_shared<std::string>();
  command->add_option("NAME", *name, "Print this target's profile");
  const auto measuring = std::make_shared<MeasureArguments>();
  add_measure(*command, measuring);
  return [name, measuring, command, &globals] {
    if (command->got_subcommand("measure")) return measure(*measuring, globals);
    if (!name->empty()) {
      const ShippedTarget& target = target_of(*name);
      answer(globals,
             {{"schema", "vetquant.target/1"},
              {"name", target.name},
              {"aliases", target.aliases},
              {"title", target.title},
              {"text", target.text}},
             target.text);
      return 0;
    }
    std::vector<std::pair<std::string, std::string>> lines;
    Json list = Json::array();
    for (const ShippedTarget& target : shipped_targets()) {
      const ProfileStatus status = support_of(load_target(target.name)).status;
      const std::string trust(words_of(status));
      lines.emplace_back(known_as(target), target.title + (trust.empty() ? "" : "; " + trust));
      list.push_back(
          {{"name", target.name}, {"aliases", target.aliases}, {"title", target.title}, {"status", name_of(status)}});
    }
    answer(globals, {{"schema", "vetquant.targets/1"}, {"targets", list}}, definitions(lines));
    return 0;
  };
}

}  // namespace vetquant::cli
