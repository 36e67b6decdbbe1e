#include "vetquant/policy/target.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>

#include "canonical.h"
#include "costs_text.h"
#include "operators_text.h"
#include "source_chain.h"
#include "use_reader.h"
#include "vetquant/core/hash.h"
#include "vetquant/core/text.h"
#include "vetquant/policy/operator_support.h"
#include "words.h"

namespace vetquant {
namespace {

struct OwnTarget {
  std::optional<YamlValue> extends;
  std::optional<std::string> name, title, instruction_set, runtime, runtime_version;
  std::optional<int64_t> max_opset, max_ir_version;
  std::optional<bool> saturates_u8s8, contrib_ops;
  std::optional<DType> compute_default;
  std::optional<std::vector<std::string>> fp16_ops;
  std::vector<FormSupport> forms;
  std::vector<FormPreference> preferences;
  std::optional<CostTable> costs;
  std::optional<ProfileStatus> status;
  std::optional<Accelerator> accelerator;  // without its operators
  std::vector<OperatorSupport> operators;
};

FormSupport read_form(const YamlValue& value) {
  const YamlMap map(value, "form", words::kFormKeys);
  FormSupport support;
  const YamlValue name = map.need("form");
  support.form = static_cast<FormChoice>(name.word("form", words::kForm));
  if (support.form == FormChoice::kAuto) name.fail("'auto' is no form of its own");
  support.min_runtime = map.need("min_runtime").text("min_runtime");
  if (const auto v = map.find("ops")) support.ops = read_globs(*v, "ops");
  if (const auto v = map.find("weights")) support.weights = read_weight_types(*v);
  if (const auto v = map.find("blocks")) {
    for (const YamlValue& block : v->list("blocks"))
      support.blocks.push_back(block.integer("block", 1, int64_t{1} << 20));
  }
  if (const auto v = map.find("in_subgraphs")) support.in_subgraphs = v->boolean("in_subgraphs");
  if (const auto v = map.find("slow_because")) support.slow_because = v->text("slow_because");
  support.source = map.need("source").text("source");
  return support;
}

FormPreference read_preference(const YamlValue& value) {
  const YamlMap map(value, "preference", words::kPreferenceKeys);
  FormPreference row;
  row.position = value.position();
  if (const auto when = map.find("when")) {
    const YamlMap conditions(*when, "when", words::kWhenKeys);
    if (const auto v = conditions.find("op")) row.ops = read_globs(*v, "op");
    if (const auto v = conditions.find("weights")) row.weights = read_weight_types(*v);
    if (const auto v = conditions.find("activations")) {
      for (const YamlValue& item : v->is_list() ? v->list("activations") : std::vector<YamlValue>{*v}) {
        row.activations.push_back(static_cast<Activations>(item.word("kind of activations", words::kActivations)));
      }
    }
    if (const auto v = conditions.find("min_rows")) row.min_rows = v->integer("min_rows", 0, int64_t{1} << 40);
    if (const auto v = conditions.find("max_rows")) row.max_rows = v->integer("max_rows", 0, int64_t{1} << 40);
    if (const auto v = conditions.find("rows_unknown")) row.rows_unknown = v->boolean("rows_unknown");
    if (const auto v = conditions.find("in_subgraph")) row.in_subgraph = v->boolean("in_subgraph");
    if (const auto v = conditions.find("language_model")) row.language_model = v->boolean("language_model");
  }
  if (const auto v = map.find("competes")) row.competes = v->boolean("competes");
  row.use = read_use(map.need("use"), "use");
  row.reason = map.need("reason").text("reason");
  row.source = map.need("source").text("source");
  return row;
}

void read_lists(const YamlMap& map, OwnTarget& own) {
  if (const auto v = map.find("fp16")) {
    const YamlMap fp16(*v, "fp16", words::kFp16Keys);
    if (const auto e = fp16.find("compute_default"))
      own.compute_default = dtype_from_name(words::kFloats[e->word("type to compute in", words::kFloats)]);
    if (const auto e = fp16.find("ops")) own.fp16_ops = read_globs(*e, "ops");
    fp16.need("source").text("source");
  }
  if (const auto v = map.find("forms")) {
    for (const YamlValue& form : v->list("forms")) {
      FormSupport support = read_form(form);
      const bool twice = std::any_of(own.forms.begin(), own.forms.end(),
                                     [&](const FormSupport& other) { return other.form == support.form; });
      if (twice) form.fail("form '" + std::string(name_of(support.form)) + "' stands twice in this profile");
      own.forms.push_back(std::move(support));
    }
  }
  if (const auto v = map.find("preferences")) {
    for (const YamlValue& row : v->list("preferences")) own.preferences.push_back(read_preference(row));
  }
  if (const auto v = map.find("costs")) own.costs = read_costs(*v);
  if (const auto v = map.find("accelerator")) own.accelerator = read_accelerator(*v);
  if (const auto v = map.find("operators")) {
    for (const YamlValue& row : v->list("operators")) own.operators.push_back(read_operator(row));
  }
}

OwnTarget read_own(const SourceText& source) {
  const YamlValue root = parse_yaml(source.text, source.name);
  const YamlMap map(root, "target profile", words::kTargetKeys);
  OwnTarget own;
  map.need("version").integer("version", 1, 1);
  own.extends = map.find("extends");
  if (const auto v = map.find("title")) own.title = v->text("title");
  if (const auto v = map.find("status")) own.status = static_cast<ProfileStatus>(v->word("status", words::kStatus));
  if (const auto v = map.find("instruction_set")) own.instruction_set = v->text("instruction_set");
  if (const auto v = map.find("runtime")) {
    const YamlMap runtime(*v, "runtime", words::kRuntimeKeys);
    own.runtime = runtime.need("name").text("name");
    own.runtime_version = runtime.need("version").text("version");
  }
  if (const auto v = map.find("max_opset")) own.max_opset = v->integer("max_opset", 1, 1000);
  if (const auto v = map.find("max_ir_version")) own.max_ir_version = v->integer("max_ir_version", 3, 1000);
  if (const auto v = map.find("saturates_u8s8")) own.saturates_u8s8 = v->boolean("saturates_u8s8");
  if (const auto v = map.find("contrib_ops")) own.contrib_ops = v->boolean("contrib_ops");
  if (const auto v = map.find("aliases")) v->texts("aliases");
  if (const auto v = map.find("name")) own.name = v->text("name");
  if (const auto v = map.find("source")) v->text("source");
  read_lists(map, own);
  if (!own.operators.empty() && !own.extends) map.need("accelerator");
  if (!own.extends) {  // nothing else could say it
    for (const std::string_view key : {"title", "runtime", "max_opset", "max_ir_version", "forms", "preferences"})
      map.need(key);
  }
  return own;
}

OwnTarget merged(OwnTarget nearer, const OwnTarget& further) {
  const auto fill = [](auto& key, const auto& from) {
    if (!key) key = from;
  };
  fill(nearer.title, further.title);
  fill(nearer.instruction_set, further.instruction_set);
  fill(nearer.runtime, further.runtime);
  fill(nearer.runtime_version, further.runtime_version);
  fill(nearer.max_opset, further.max_opset);
  fill(nearer.max_ir_version, further.max_ir_version);
  fill(nearer.saturates_u8s8, further.saturates_u8s8);
  fill(nearer.contrib_ops, further.contrib_ops);
  fill(nearer.compute_default, further.compute_default);
  fill(nearer.fp16_ops, further.fp16_ops);
  fill(nearer.costs, further.costs);
  fill(nearer.status, further.status);
  fill(nearer.accelerator, further.accelerator);
  nearer.operators = extended_operators(std::move(nearer.operators), further.operators);
  for (const FormSupport& support : further.forms) {
    const bool own = std::any_of(nearer.forms.begin(), nearer.forms.end(),
                                 [&](const FormSupport& other) { return other.form == support.form; });
    if (!own) nearer.forms.push_back(support);
  }
  nearer.preferences.insert(nearer.preferences.end(), further.preferences.begin(), further.preferences.end());
  return nearer;
}

const ShippedTarget* find_shipped(const std::string& name) {
  for (const ShippedTarget& target : shipped_targets()) {
    const auto& aliases = target.aliases;
    if (target.name == name || std::find(aliases.begin(), aliases.end(), name) != aliases.end()) return &target;
  }
  return nullptr;
}

std::string unknown_target(const std::string& name) {
  std::vector<std::string> known;
  for (const ShippedTarget& target : shipped_targets()) {
    known.push_back(target.name);
    known.insert(known.end(), target.aliases.begin(), target.aliases.end());
  }
  std::sort(known.begin(), known.end());
  std::string all;
  for (const std::string& word : known) all += (all.empty() ? "" : ", ") + word;
  const std::string nearest = nearest_word(name, known);
  return "there is no target '" + printable(name, 60) + "'" +
         (nearest.empty() ? "; targets: " + all : "; did you mean '" + nearest + "'?") +
         " (a file's name has a '/' or ends in .yaml)";
}

SourceText extended_text(const YamlValue& extends, const std::string& from) {
  const std::string name = extends.text("extends");
  if (const ShippedTarget* target = find_shipped(name)) return {"target " + target->name, target->text};
  if (!looks_like_path(name)) extends.fail(unknown_target(name));
  return extended_file(extends, name, from);
}

TargetProfile finish(OwnTarget own, const std::string& name) {
  TargetProfile target;
  target.name = name;
  target.title = own.title.value_or(target.name);
  target.instruction_set = own.instruction_set.value_or("");
  target.runtime = own.runtime.value_or("");
  target.runtime_version = own.runtime_version.value_or("");
  target.max_opset = own.max_opset.value_or(0);
  target.max_ir_version = own.max_ir_version.value_or(0);
  target.saturates_u8s8 = own.saturates_u8s8.value_or(false);
  target.contrib_ops = own.contrib_ops.value_or(false);
  target.fp16_compute_default = own.compute_default.value_or(DType::kFloat32);
  target.fp16_ops = own.fp16_ops.value_or(std::vector<std::string>());
  target.forms = std::move(own.forms);
  target.preferences = std::move(own.preferences);
  target.costs = own.costs.value_or(CostTable());
  TargetSupport support{.status = own.status.value_or(ProfileStatus::kMeasured), .accelerator = nullptr};
  if (own.accelerator) {
    own.accelerator->operators = std::move(own.operators);
    support.accelerator = std::make_shared<const Accelerator>(std::move(*own.accelerator));
  }
  target.text = canonical_text(target) + support_text(support);
  target.digest = digest_of(target.text);
  remember_support(target.digest, std::move(support));
  return target;
}

// Parsed once: inspect plans with every preset for the same target.
TargetProfile shipped_profile(const ShippedTarget& target) {
  static std::mutex mutex;
  static std::map<std::string, TargetProfile> known;
  const std::lock_guard lock(mutex);
  const auto found = known.find(target.name);
  if (found != known.end()) return found->second;
  return known.emplace(target.name, parse_target(target.text, "target " + target.name)).first->second;
}

}  // namespace

const FormSupport* TargetProfile::find(FormChoice form) const {
  const auto found =
      std::find_if(forms.begin(), forms.end(), [&](const FormSupport& support) { return support.form == form; });
  return found == forms.end() ? nullptr : &*found;
}

TargetProfile load_target(const std::string& name_or_path) {
  if (const ShippedTarget* target = find_shipped(name_or_path)) return shipped_profile(*target);
  std::error_code ignored;
  if (!looks_like_path(name_or_path) && !std::filesystem::is_regular_file(name_or_path, ignored)) {
    throw Error(ErrorCode::kUsage, unknown_target(name_or_path), "target");
  }
  return parse_target(read_small_file(name_or_path), name_or_path);
}

TargetProfile parse_target(const std::string& text, const std::string& file_name) {
  auto chain = read_chain(SourceText{file_name, text}, read_own, extended_text);
  std::optional<std::string> name = chain.front().name;
  OwnTarget all = std::move(chain.back());
  for (size_t i = chain.size() - 1; i-- > 0;) all = merged(std::move(chain[i]), all);
  return finish(std::move(all), name.value_or(std::filesystem::path(file_name).stem().string()));
}

}  // namespace vetquant
