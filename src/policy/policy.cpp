#include "vetquant/policy/policy.h"

#include <filesystem>
#include <stdexcept>

#include "address_regex.h"
#include "canonical.h"
#include "source_chain.h"
#include "use_reader.h"
#include "vetquant/core/hash.h"
#include "vetquant/core/text.h"
#include "vetquant/policy/target.h"
#include "words.h"

namespace vetquant {
namespace {

constexpr std::string_view kPresetSource = "preset ";
constexpr size_t kMostRules = 10'000;
constexpr int64_t kMostElements = int64_t{1} << 62;
constexpr double kAnyNumber = 1e300;

// One file's own words; what it does not say is absent.
struct OwnPolicy {
  std::optional<YamlValue> extends, tied, overridable, on_unsupported, on_unmatched_rule;
  std::optional<int64_t> min_elements;
  std::array<std::optional<bool>, kCleanUpSteps.size()> clean_up;
  Policy policy;
  bool has_defaults = false;
  bool no_self_check = false;  // `self_check: false`, which what is extended does not override
  std::string target_source;   // the file that names the target
};

Match read_match(const YamlValue& value) {
  const YamlMap map(value, "match", words::kMatchKeys);
  Match match;
  if (const auto v = map.find("node")) match.node = read_globs(*v, "node");
  if (const auto v = map.find("op")) match.op = read_globs(*v, "op");
  if (const auto v = map.find("tensor")) match.tensor = read_globs(*v, "tensor");
  if (const auto v = map.find("scope")) match.scope = read_globs(*v, "scope");
  if (const auto v = map.find("min_elements")) match.min_elements = v->integer("min_elements", 0, kMostElements);
  if (const auto v = map.find("max_elements")) match.max_elements = v->integer("max_elements", 0, kMostElements);
  if (const auto v = map.find("input")) match.input = v->integer("input", 0, 1 << 20);
  if (const auto v = map.find("node_regex")) {
    match.node_regex = v->texts("node_regex");
    for (const std::string& pattern : match.node_regex) {
      try {
        const Regex checked(pattern);
      } catch (const std::invalid_argument& error) {
        v->fail("node_regex '" + printable(pattern, 60) + "' is no regular expression: " + error.what());
      }
    }
  }
  if (const auto v = map.find("between")) {
    match.between = v->texts("between");
    if (match.between.size() != 2) v->fail("between takes two values, [from, to]");
  }
  if (value.entries("match").empty())
    value.fail("a match without conditions; to match every node write match: {op: \"*\"}");
  if (match.min_elements && match.max_elements && *match.min_elements > *match.max_elements)
    value.fail("min_elements is above max_elements: this rule can match nothing");
  return match;
}

Rule read_rule(const YamlValue& value) {
  const YamlMap map(value, "rule", words::kRuleKeys);
  Rule rule;
  rule.position = value.position();
  if (const auto v = map.find("name")) rule.name = printable(v->text("name"), 120);
  if (const auto v = map.find("optional")) rule.inherited = v->boolean("optional") ? Inherited::kYes : Inherited::kNo;
  rule.match = read_match(map.need("match"));
  rule.use = read_use(map.need("use"), "use");
  return rule;
}

PolicyGate read_gate(const YamlValue& value) {
  const YamlMap map(value, "gate", words::kGateKeys);
  PolicyGate gate;
  gate.position = value.position();
  gate.test_set = map.need("test_set").text("test_set");
  gate.metric = map.need("metric").text("metric");
  const auto number = [&](std::string_view key, std::optional<double>& to, double least, double most) {
    if (const auto v = map.find(key)) to = v->number(key, least, most);
    return to ? 1 : 0;
  };
  int bounds = number("max_increase", gate.max_increase, 0, kAnyNumber) +
               number("max_decrease", gate.max_decrease, 0, kAnyNumber);
  bounds += number("min", gate.min, -kAnyNumber, kAnyNumber) + number("max", gate.max, -kAnyNumber, kAnyNumber) +
            number("keep", gate.keep, 0, 1);
  if (bounds == 0) value.fail("a gate without a bound; write max_increase, max_decrease, min, max or keep");
  if (const auto v = map.find("confidence")) gate.confidence_pct = v->number("confidence", 50, 99.999);
  return gate;
}

// `true`, `false`, or how.
void read_self_check(const YamlValue& value, OwnPolicy& own) {
  if (!value.is_map()) {
    own.no_self_check = !value.boolean("self_check");
    if (!own.no_self_check) own.policy.self_check = SelfCheck{};
    return;
  }
  const YamlMap map(value, "self_check", words::kSelfCheckKeys);
  SelfCheck& check = own.policy.self_check.emplace();
  if (const auto e = map.find("target_db")) check.target_db = e->number("target_db", 0, 200);
  if (const auto e = map.find("most_nodes")) check.most_nodes = e->number("most_nodes", 0, 1);
  if (const auto e = map.find("samples")) check.samples = e->integer("samples", 1, 1 << 20);
  if (const auto e = map.find("to"))
    check.activation_type =
        dtype_from_name(words::kSelfCheckTypes[e->word("type to put nodes back to", words::kSelfCheckTypes)]);
}

void read_settings(const YamlMap& map, OwnPolicy& own) {
  Policy& policy = own.policy;
  if (const auto v = map.find("self_check")) read_self_check(*v, own);
  if (const auto v = map.find("tensors")) {
    const YamlMap tensors(*v, "tensors", words::kTensorKeys);
    if (const auto e = tensors.find("min_elements")) own.min_elements = e->integer("min_elements", 0, kMostElements);
    own.tied = tensors.find("tied");
    own.overridable = tensors.find("overridable");
  }
  if (const auto v = map.find("clean_up")) {
    const YamlMap steps(*v, "clean_up", words::kCleanUpKeys);
    for (size_t i = 0; i < own.clean_up.size(); ++i) {
      if (const auto e = steps.find(words::kCleanUpKeys[i])) own.clean_up[i] = e->boolean(words::kCleanUpKeys[i]);
    }
  }
  if (const auto v = map.find("calibration")) {
    const YamlMap calibration(*v, "calibration", words::kCalibrationKeys);
    if (const auto e = calibration.find("samples")) policy.calibration.samples = e->text("samples");
    if (const auto e = calibration.find("method"))
      policy.calibration.method = words::kRangeMethods[e->word("calibration method", words::kRangeMethods)];
    if (const auto e = calibration.find("percentile")) policy.calibration.percentile = e->number("percentile", 50, 100);
    if (const auto e = calibration.find("max_memory")) policy.calibration.max_memory_bytes = e->bytes("max_memory");
  }
  if (const auto v = map.find("budget")) {
    const YamlMap budget(*v, "budget", words::kBudgetKeys);
    if (const auto e = budget.find("file")) policy.budget.file_bytes = e->bytes("file");
    if (const auto e = budget.find("effective_bits"))
      policy.budget.effective_bits = e->number("effective_bits", 0.5, 64);
  }
  if (const auto v = map.find("gates")) {
    for (const YamlValue& gate : v->list("gates")) policy.gates.push_back(read_gate(gate));
  }
}

OwnPolicy read_own(const SourceText& source) {
  const YamlValue root = parse_yaml(source.text, source.name);
  const YamlMap map(root, "policy", words::kPolicyKeys);
  OwnPolicy own;
  own.policy.version = static_cast<int>(map.need("version").integer("version", 1, 1));
  own.extends = map.find("extends");
  if (const auto v = map.find("description")) v->text("description");
  if (const auto v = map.find("target")) own.policy.target = v->text("target");
  own.target_source = source.name;
  if (const auto v = map.find("defaults")) {
    own.policy.defaults = read_use(*v, "defaults");
    own.policy.defaults_position = v->position();
    own.has_defaults = true;
  }
  if (const auto v = map.find("rules")) {
    for (const YamlValue& rule : v->list("rules")) own.policy.rules.push_back(read_rule(rule));
    // A preset is for any model: its rules may match nothing.
    if (source.name.starts_with(kPresetSource))
      for (Rule& rule : own.policy.rules) rule.inherited = Inherited::kYes;
    if (own.policy.rules.size() > kMostRules) v->fail("a policy has at most " + std::to_string(kMostRules) + " rules");
  }
  read_settings(map, own);
  own.on_unsupported = map.find("on_unsupported");
  own.on_unmatched_rule = map.find("on_unmatched_rule");
  // Words are checked in every file, also where a nearer one overrides them.
  if (own.on_unsupported) own.on_unsupported->word("on_unsupported", words::kOnUnsupported);
  if (own.on_unmatched_rule) own.on_unmatched_rule->word("on_unmatched_rule", words::kOnUnmatchedRule);
  if (own.tied) own.tied->word("kind of tied", words::kTied);
  if (own.overridable) own.overridable->word("overridable", words::kOverridable);
  return own;
}

// Settings of `nearer` come before those of `further`, which it extends.
OwnPolicy merged(OwnPolicy nearer, OwnPolicy further) {
  Policy& policy = nearer.policy;
  const auto fill = [](auto& key, const auto& from) {
    if (!key) key = from;
  };
  if (!policy.target) nearer.target_source = further.target_source;
  fill(policy.target, further.policy.target);
  policy.defaults = nearer.has_defaults ? layered(policy.defaults, further.policy.defaults) : further.policy.defaults;
  if (!nearer.has_defaults) policy.defaults_position = further.policy.defaults_position;
  nearer.has_defaults |= further.has_defaults;
  for (Rule& rule : further.policy.rules) {
    rule.inherited = Inherited::kYes;
    policy.rules.push_back(std::move(rule));
  }
  fill(nearer.min_elements, further.min_elements);
  for (size_t i = 0; i < nearer.clean_up.size(); ++i) fill(nearer.clean_up[i], further.clean_up[i]);
  fill(nearer.tied, further.tied);
  fill(nearer.overridable, further.overridable);
  fill(nearer.on_unsupported, further.on_unsupported);
  fill(nearer.on_unmatched_rule, further.on_unmatched_rule);
  CalibrationSettings& calibration = policy.calibration;
  const CalibrationSettings& inherited = further.policy.calibration;
  if (calibration.samples.empty()) calibration.samples = inherited.samples;
  if (calibration.method.empty()) calibration.method = inherited.method;
  fill(calibration.percentile, inherited.percentile);
  fill(calibration.max_memory_bytes, inherited.max_memory_bytes);
  if (policy.self_check && further.policy.self_check) {
    fill(policy.self_check->target_db, further.policy.self_check->target_db);
    fill(policy.self_check->most_nodes, further.policy.self_check->most_nodes);
    fill(policy.self_check->samples, further.policy.self_check->samples);
    fill(policy.self_check->activation_type, further.policy.self_check->activation_type);
  } else if (!nearer.no_self_check && !policy.self_check) {
    policy.self_check = further.policy.self_check;
    nearer.no_self_check = further.no_self_check;
  }
  fill(policy.budget.file_bytes, further.policy.budget.file_bytes);
  fill(policy.budget.effective_bits, further.policy.budget.effective_bits);
  policy.gates.insert(policy.gates.end(), further.policy.gates.begin(), further.policy.gates.end());
  return nearer;
}

std::string name_of_source(const std::string& source) {
  return source.starts_with(kPresetSource) ? source.substr(kPresetSource.size())
                                           : std::filesystem::path(source).stem().string();
}

Policy finish(OwnPolicy own, const std::string& source) {
  Policy policy = std::move(own.policy);
  policy.name = name_of_source(source);
  if (own.min_elements) policy.tensors.min_elements = *own.min_elements;
  if (own.tied) policy.tensors.tied = static_cast<Tied>(own.tied->word("tied", words::kTied));
  if (own.overridable) {
    policy.tensors.overridable = static_cast<Overridable>(own.overridable->word("overridable", words::kOverridable));
  }
  for (size_t i = 0; i < kCleanUpSteps.size(); ++i) policy.clean_up.*kCleanUpSteps[i] = own.clean_up[i].value_or(true);
  if (own.on_unsupported)
    policy.on_unsupported =
        static_cast<OnUnsupported>(own.on_unsupported->word("on_unsupported", words::kOnUnsupported));
  if (own.on_unmatched_rule)
    policy.on_unmatched_rule =
        static_cast<OnUnmatchedRule>(own.on_unmatched_rule->word("on_unmatched_rule", words::kOnUnmatchedRule));
  policy.text = canonical_text(policy);
  policy.digest = digest_of(policy.text);
  // After the text: the digest must not depend on where the policy's folder is.
  if (policy.target && looks_like_path(*policy.target)) policy.target = beside(own.target_source, *policy.target);
  return policy;
}

const Preset* find_preset(const std::string& name) {
  for (const Preset& preset : presets()) {
    if (preset.name == name) return &preset;
  }
  return nullptr;
}

std::string unknown_preset(const std::string& name) {
  std::vector<std::string> known;
  std::string all;
  for (const Preset& preset : presets()) {
    known.push_back(preset.name);
    all += (all.empty() ? "" : ", ") + preset.name;
  }
  const std::string nearest = nearest_word(name, known);
  return "there is no preset '" + printable(name, 60) + "'" +
         (nearest.empty() ? "; presets: " + all : "; did you mean '" + nearest + "'?") +
         " (a file's name has a '/' or ends in .yaml)";
}

bool is_file_name(const std::string& name) {
  std::error_code ignored;
  return looks_like_path(name) || std::filesystem::is_regular_file(name, ignored);
}

// The text that `extends` of `from` names.
SourceText extended_text(const YamlValue& extends, const std::string& from) {
  const std::string name = extends.text("extends");
  if (const Preset* preset = find_preset(name)) return {std::string(kPresetSource) + name, preset->text};
  if (!looks_like_path(name)) extends.fail(unknown_preset(name));
  return extended_file(extends, name, from);
}

}  // namespace

Policy load_policy(const std::string& name_or_path) {
  if (const Preset* preset = find_preset(name_or_path))
    return parse_policy(preset->text, std::string(kPresetSource) + name_or_path);
  if (!is_file_name(name_or_path)) throw Error(ErrorCode::kUsage, unknown_preset(name_or_path), "policy");
  return parse_policy(read_small_file(name_or_path), name_or_path);
}

Policy parse_policy(const std::string& text, const std::string& file_name) {
  auto chain = read_chain(SourceText{file_name, text}, read_own, extended_text);
  OwnPolicy all = std::move(chain.back());
  for (size_t i = chain.size() - 1; i-- > 0;) all = merged(std::move(chain[i]), std::move(all));
  return finish(std::move(all), file_name);
}

}  // namespace vetquant
