#include "judge_options.h"

#include "vetquant/core/error.h"
#include "vetquant/core/parallel.h"
#include "vetquant/core/text.h"

namespace vetquant::cli {

std::shared_ptr<JudgeArguments> add_judge_arguments(CLI::App& command) {
  auto arguments = std::make_shared<JudgeArguments>();
  command
      .add_option("--runtime-lib", arguments->runtime_library,
                  "ONNX Runtime's library or its folder (default: $VETQUANT_ONNXRUNTIME_LIB, else the one shipped)")
      ->type_name("PATH");
  command.add_option("--runs", arguments->runs, "Timed rounds, each model once a round; 0: no latency")
      ->check(CLI::Range(0, 100'000))
      ->capture_default_str();
  command.add_option("--warm-up", arguments->warm_up, "Runs before time is taken")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command.add_option("--optimization", arguments->optimization, "What the runtime may do to the graph")
      ->check(CLI::IsMember({"none", "basic", "extended", "all"}))
      ->capture_default_str();
  command
      .add_option("--session-config", arguments->config,
                  "An entry of the runtime's session configuration, such as session.disable_quant_qdq=1")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command.add_option("--timeout", arguments->timeout_s, "Seconds that one request to a model may take; 0: any")
      ->check(CLI::NonNegativeNumber);
  command.add_option("--max-memory", arguments->max_memory_mb, "Address space of each judged process in MB; 0: any");
  command.add_option("--resamples", arguments->resamples, "Of the bootstrap")
      ->check(CLI::Range(100, 1'000'000))
      ->capture_default_str();
  command.add_flag("--no-operators", arguments->no_operators, "Do not have the optimized graphs saved and counted");
  return arguments;
}

void add_cache_arguments(CLI::App& command, JudgeArguments& arguments) {
  arguments.may_cache = true;
  CLI::Option* folder = command
                            .add_option("--cache", arguments.cache,
                                        "Where models' answers are kept for the next run (default: vetquant/answers in "
                                        "$XDG_CACHE_HOME, else in ~/.cache)")
                            ->type_name("DIR");
  command.add_flag("--no-cache", arguments.no_cache, "Have every sample answered anew, and keep nothing")
      ->excludes(folder);
}

namespace {

std::optional<AnswerCache> cache_of(const JudgeArguments& arguments, const Globals& globals) {
  AnswerCache cache;
  cache.folder = arguments.cache.empty() ? default_answer_folder() : std::filesystem::path(arguments.cache);
  if (!arguments.may_cache || arguments.no_cache || cache.folder.empty()) return std::nullopt;
  cache.warn = [&globals](const std::string& line) { say(globals, line); };
  if (globals.verbose) cache.tell = cache.warn;
  return cache;
}

}  // namespace

void add_random_arguments(CLI::App& command, JudgeArguments& arguments) {
  command.add_option("--samples", arguments.random.samples, "Random samples where no test set is given")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command.add_option("--seed", arguments.random.seed, "Of the random inputs")->capture_default_str();
  command.add_option("--below", arguments.random.below, "Random integers are from 0 to below this")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--dim", arguments.dims, "Size of a symbolic dimension for random inputs (default 1)")
      ->type_name("NAME=SIZE")
      ->allow_extra_args(false);
}

RandomSettings random_settings(const JudgeArguments& arguments) {
  RandomSettings settings = arguments.random;
  settings.allowed = true;
  for (auto& [name, dims] : parse_shapes(arguments.dims)) {
    if (dims.size() != 1) throw Error(ErrorCode::kUsage, "write NAME=SIZE", "--dim " + printable(name));
    settings.dims[name] = dims[0];
  }
  return settings;
}

JudgeOptions judge_options(const JudgeArguments& arguments, const Globals& globals) {
  JudgeOptions options;
  options.runtime_library = find_runtime_library(arguments.runtime_library);
  options.session.threads = resolve_threads(globals.threads);
  options.session.optimization = arguments.optimization == "none"       ? Optimization::kNone
                                 : arguments.optimization == "basic"    ? Optimization::kBasic
                                 : arguments.optimization == "extended" ? Optimization::kExtended
                                                                        : Optimization::kAll;
  for (const std::string& entry : arguments.config) {
    const size_t equals = entry.find('=');
    if (equals == 0 || equals == std::string::npos)
      throw Error(ErrorCode::kUsage, "write KEY=VALUE", "--session-config " + printable(entry));
    options.session.config.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  options.limits.timeout = std::chrono::milliseconds(static_cast<int64_t>(arguments.timeout_s * 1000));
  options.limits.memory_bytes = arguments.max_memory_mb * 1'000'000;
  options.timed_rounds = arguments.runs;
  options.warm_up_runs = arguments.warm_up;
  options.models_at_once = std::max(1, resolve_threads(0) / options.session.threads);
  options.count_operators = arguments.no_operators ? CountOperators::kNo : CountOperators::kYes;
  options.statistics.resamples = arguments.resamples;
  options.cache = cache_of(arguments, globals);
  options.progress = progress_sink(globals);
  return options;
}

}  // namespace vetquant::cli
