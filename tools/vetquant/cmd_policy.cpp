// vetquant policy check | schema: what a policy file says, whether it is right, and what its rules would decide.
#include <map>
#include <tuple>

#include "commands.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"
#include "vetquant/pipeline/pipeline.h"

namespace vetquant::cli {
namespace {

using Json = nlohmann::ordered_json;

struct CheckOptions {
  std::string policy, target;
  std::filesystem::path model;
  std::vector<std::string> shapes;
};

struct Decided {
  size_t tensors = 0, kept = 0, nodes = 0;
  uint64_t before = 0, after = 0;
};

using Place = std::tuple<std::string, int, int>;
Place place_of(const SourcePosition& position) { return {position.file, position.line, position.column}; }

std::map<Place, Decided> decisions_by_rule(const Plan& plan) {
  std::map<Place, Decided> by_rule;
  for (const PlannedTensor& tensor : plan.tensors) {
    Decided& rule = by_rule[place_of(tensor.reason.position)];
    ++rule.tensors;
    rule.before += tensor.bytes_before;
    rule.after += tensor.bytes_after;
  }
  for (const KeptWeight& weight : plan.kept) {
    Decided& rule = by_rule[place_of(weight.reason.position)];
    ++rule.kept;
    rule.before += weight.bytes;
    rule.after += weight.bytes;
  }
  for (const PlannedNode& node : plan.nodes) ++by_rule[place_of(node.reason.position)].nodes;
  return by_rule;
}

// A row of the table: a rule, or the defaults.
struct Row {
  std::string name, where, use;
  SourcePosition position;
  bool inherited = false;
};

std::vector<Row> rows_of(const Policy& policy) {
  std::vector<Row> rows;
  for (size_t i = 0; i < policy.rules.size(); ++i) {
    const Rule& rule = policy.rules[i];
    rows.push_back({rule.name.empty() ? "rule " + std::to_string(i + 1) : rule.name, rule.position.text(),
                    to_string(layered(rule.use, policy.defaults)), rule.position, rule.inherited == Inherited::kYes});
  }
  rows.push_back(
      {"defaults", policy.defaults_position.text(), to_string(policy.defaults), policy.defaults_position, false});
  return rows;
}

std::optional<Plan> plan_of(const CheckOptions& options, const Policy& policy) {
  if (options.model.empty()) return std::nullopt;
  const TargetProfile target =
      load_target(options.target.empty() ? policy.target.value_or(kDefaultTarget) : options.target);
  const auto model = Model::load(options.model);
  const GraphIndex index(model->skeleton());
  const ConstantFinder constants(*model, index);
  PlanOptions plan_options;
  for (auto& [input, shape] : parse_shapes(options.shapes)) plan_options.shapes.push_back({input, shape});
  return make_plan(*model, index, constants, policy, target, plan_options);
}

std::string headline(const CheckOptions& options, const Policy& policy) {
  std::string text = printable(options.policy, 400) + ": " + std::to_string(policy.rules.size()) +
                     (policy.rules.size() == 1 ? " rule" : " rules");
  if (policy.target) text += ", target " + *policy.target;
  return text + ", digest " + policy.digest + "\n";
}

int check(const CheckOptions& options, const Globals& globals) {
  const Policy policy = load_policy(options.policy);
  if (policy.target && options.target.empty()) load_target(*policy.target);  // a typo there is one of the policy
  const auto plan = plan_of(options, policy);
  std::map<Place, Decided> by_rule;
  if (plan) by_rule = decisions_by_rule(*plan);
  Table table = plan ? Table({"rule", "where", "use", "quantized", "kept", "before", "after"}, "<<<>>>>", 0)
                     : Table({"rule", "where", "use"}, "", 0);
  Json rules = Json::array();
  for (const Row& row : rows_of(policy)) {
    Json entry = {{"rule", row.name}, {"where", row.where}, {"use", row.use}, {"inherited", row.inherited}};
    if (plan) {
      const Decided& decided = by_rule[place_of(row.position)];
      table.row({row.name, row.where, row.use, std::to_string(decided.tensors), std::to_string(decided.kept),
                 human_bytes(decided.before), human_bytes(decided.after)});
      entry.update({{"quantized", decided.tensors},
                    {"kept", decided.kept},
                    {"nodes", decided.nodes},
                    {"bytes_before", decided.before},
                    {"bytes_after", decided.after}});
    } else {
      table.row({row.name, row.where, row.use});
    }
    rules.push_back(std::move(entry));
  }
  std::string text = headline(options, policy) + table.text();
  Json document = {
      {"schema", "vetquant.policy_check/1"}, {"policy", policy.name}, {"digest", policy.digest}, {"rules", rules}};
  if (plan) {
    for (const std::string& warning : plan->warnings) text += "warning: " + printable(warning, 400) + "\n";
    document["warnings"] = plan->warnings;
  }
  answer(globals, document, text);
  return 0;
}

// The schema is a JSON document itself: with and without --json it is printed as it is.
int print_schema(const Globals& globals) {
  answer(globals, Json::parse(policy_schema()), policy_schema());
  return 0;
}

}  // namespace

Run add_policy(CLI::App& app, const Globals& globals) {
  CLI::App* command = app.add_subcommand("policy", "Check a policy file, or print the JSON Schema of policy files");
  command->require_subcommand(1);
  CLI::App* check_command =
      command->add_subcommand("check", "Is this policy right, and (with a model) what does each rule decide?");
  CLI::App* schema_command = command->add_subcommand("schema", "Print the JSON Schema of policy files, for editors");
  const auto options = std::make_shared<CheckOptions>();
  check_command->add_option("POLICY", options->policy, "A policy file, or a preset's name")->required();
  check_command->add_option("MODEL", options->model, "Count what each rule decides in this model");
  check_command->add_option("--target", options->target,
                            "A target's name or a profile (default: the policy's, else ort-cpu)");
  check_command->add_option("--shape", options->shapes, "Fix an input's shape: INPUT=1x80x3000")
      ->type_name("INPUT=DIMS");
  return [options, schema_command, &globals] {
    return schema_command->parsed() ? print_schema(globals) : check(*options, globals);
  };
}

}  // namespace vetquant::cli
