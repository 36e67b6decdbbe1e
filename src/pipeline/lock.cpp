#include "vetquant/pipeline/lock.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "prepare.h"
#include "vetquant/core/error.h"
#include "vetquant/core/file.h"
#include "vetquant/core/text.h"

namespace vetquant {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "vetquant.lock/1";
constexpr uint64_t kLargestLock = 256u << 20;

// Texts as lists of lines, so that two locks can be compared by people.
Json lines_of(const std::string& text) {
  Json lines = Json::array();
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string text_of(const Json& lines) {
  std::string text;
  for (size_t i = 0; i < lines.size(); ++i) text += (i == 0 ? "" : "\n") + lines[i].get<std::string>();
  return text;
}

Json position_json(const SourcePosition& position) {
  return {{"file", position.file}, {"line", position.line}, {"column", position.column}};
}

SourcePosition position_from(const Json& json) {
  return {json.at("file"), json.at("line").get<int>(), json.at("column").get<int>()};
}

// The text alone would lose where each rule stood and whether it may match nothing.
Json policy_json(const Policy& policy) {
  Json rules = Json::array();
  for (const Rule& rule : policy.rules) {
    Json entry = position_json(rule.position);
    entry["inherited"] = rule.inherited == Inherited::kYes;
    rules.push_back(std::move(entry));
  }
  return {{"name", policy.name},
          {"digest", policy.digest},
          {"text", lines_of(policy.text)},
          {"rules", std::move(rules)},
          {"defaults", position_json(policy.defaults_position)}};
}

Policy policy_from(const Json& json, const std::string& lock) {
  Policy policy = parse_policy(text_of(json.at("text")), lock);
  const Json& rules = json.at("rules");
  if (rules.size() != policy.rules.size())
    throw Error(ErrorCode::kUsage, "its policy has more or fewer rules than were locked", lock);
  for (size_t i = 0; i < policy.rules.size(); ++i) {
    policy.rules[i].position = position_from(rules[i]);
    policy.rules[i].inherited = rules[i].at("inherited").get<bool>() ? Inherited::kYes : Inherited::kNo;
  }
  policy.defaults_position = position_from(json.at("defaults"));
  policy.name = json.at("name");
  policy.digest = json.at("digest");
  return policy;
}

// What is only told, never decided: another wording must not stop a build.
bool is_comment(const std::string& key) { return key == "rule" || key == "reason"; }

void add_reason(Json& entry, const Reason& reason) {
  entry["rule"] = reason.rule;
  entry["reason"] = reason.text;
}

Json tensor_json(const PlannedTensor& tensor, const GraphIndex& index) {
  Json uses = Json::array(), copies = Json::array();
  for (const auto& use : tensor.uses) {
    uses.push_back({{"node", index.node(use.node).address}, {"input", use.input}, {"transposed", use.transposed}});
  }
  for (const TensorView& copy : tensor.proven_equal) copies.push_back(copy.describe());
  Json entry = {{"name", tensor.name},
                {"view", tensor.view.describe()},
                {"shape", tensor.view.shape()},
                {"form", name_of(tensor.form)},
                {"source_type", name_of(tensor.source_type)},
                {"stored_type", name_of(tensor.stored_type)},
                {"code_type", name_of(tensor.spec.code_type)},
                {"symmetric", tensor.spec.symmetry == Symmetry::kSymmetric},
                {"range", tensor.spec.range == CodeRange::kFull     ? "full"
                          : tensor.spec.range == CodeRange::kNarrow ? "narrow"
                                                                    : "7bit"},
                {"zero_point", tensor.spec.zero_point == ZeroPointKind::kFloat ? "float" : "integer"},
                {"scales", name_of(tensor.spec.scale_type)},
                {"algorithm", tensor.spec.algorithm},
                {"channel_axes", tensor.layout.channel_axes},
                {"block_axis", tensor.layout.block_axis},
                {"block", tensor.layout.block_size},
                {"uses", std::move(uses)},
                {"copies", std::move(copies)},
                {"bytes_before", tensor.bytes_before},
                {"bytes_after", tensor.bytes_after}};
  add_reason(entry, tensor.reason);
  return entry;
}

Json decisions_json(const Prepared& p) {
  Json tensors = Json::array(), nodes = Json::array(), kept = Json::array();
  for (const PlannedTensor& tensor : p.plan.tensors) tensors.push_back(tensor_json(tensor, *p.index));
  for (const PlannedNode& node : p.plan.nodes) {
    Json entry = {{"name", p.index->node(node.node).address},
                  {"form", name_of(node.form)},
                  {"tensors", node.tensors},
                  {"accuracy_level", node.accuracy_level}};
    add_reason(entry, node.reason);
    nodes.push_back(std::move(entry));
  }
  for (const KeptWeight& weight : p.plan.kept) {
    Json entry = {{"name", weight.name}, {"node", weight.node}, {"bytes", weight.bytes}};
    add_reason(entry, weight.reason);
    kept.push_back(std::move(entry));
  }
  Json decisions = {{"tensors", std::move(tensors)}, {"nodes", std::move(nodes)}, {"kept", std::move(kept)}};
  for (const PlannedActivation& activation : p.plan.activations) {
    decisions["activations"].push_back({{"name", p.index->address(activation.value)},
                                        {"type", name_of(activation.type)},
                                        {"scale", activation.parameters.scale},
                                        {"zero_point", activation.parameters.zero_point}});
  }
  return decisions;
}

// All that planning takes from a calibration, so that a lock needs none.
Json ranges_json(const quant::ActivationStatistics& statistics) {
  Json ranges = Json::object();
  for (const auto& [name, tensor] : statistics.tensors) {
    ranges[name] = tensor.range ? Json{tensor.range->low, tensor.range->high} : Json(nullptr);
  }
  return ranges;
}

std::shared_ptr<const quant::ActivationStatistics> statistics_from(const Json& ranges) {
  auto statistics = std::make_shared<quant::ActivationStatistics>();
  for (const auto& [name, range] : ranges.items()) {
    quant::TensorStatistics& tensor = statistics->tensors[name];
    if (!range.is_null()) tensor.range = {range.at(0).get<float>(), range.at(1).get<float>()};
  }
  return statistics;
}

Json self_check_json(const SelfChecked& checked) {
  Json nodes = Json::array();
  for (const auto& [node, back] : checked.put_back)
    nodes.push_back({{"node", node}, {"to", name_of(back.type)}, {"reason", back.reason}});
  return {{"put_back", std::move(nodes)}, {"steps", checked.steps}};
}

SelfChecked self_check_from(const Json& json) {
  SelfChecked checked;
  for (const Json& node : json.at("put_back")) {
    const std::optional<DType> type = dtype_from_name(node.at("to").get<std::string>());
    checked.put_back[node.at("node")] = {type.value_or(DType::kFloat32), node.at("reason")};
  }
  checked.steps = json.at("steps").get<std::vector<std::string>>();
  return checked;
}

std::string dumped(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string short_value(const Json& value) {
  return printable(value.dump(-1, ' ', false, Json::error_handler_t::replace), 80);
}

// "fc1.weight: form was "matmul_nbits", is "fold_at_load"", or nothing.
std::optional<std::string> entry_difference(const Json& locked, const Json& now) {
  const std::string name = printable(now.at("name").get<std::string>());
  if (locked.at("name") != now.at("name")) {
    return "'" + printable(locked.at("name").get<std::string>()) + "' was locked where '" + name + "' is planned";
  }
  for (const auto& [key, value] : now.items()) {
    if (is_comment(key)) continue;
    const auto was = locked.find(key);
    if (was == locked.end()) return name + ": the lock does not tell its " + key;
    if (*was != value) return name + ": " + key + " was " + short_value(*was) + ", is " + short_value(value);
  }
  return std::nullopt;
}

std::optional<std::string> first_difference(const Json& locked, const Json& now) {
  for (const auto& [kind, entries] : now.items()) {
    const Json& before = locked.at(kind);
    for (size_t i = 0; i < std::min(before.size(), entries.size()); ++i) {
      if (auto difference = entry_difference(before[i], entries[i])) return difference;
    }
    if (before.size() == entries.size()) continue;
    const bool more = entries.size() > before.size();
    const Json& odd = more ? entries[before.size()] : before[entries.size()];
    const std::string words = kind == "kept"          ? "a kept weight"
                              : kind == "activations" ? "an activation in codes"
                              : kind == "nodes"       ? "a rewritten node"
                                                      : "a quantized tensor";
    return "'" + printable(odd.at("name").get<std::string>()) + (more ? "' is now " : "' was ") + words +
           (more ? ", was not" : ", is no longer");
  }
  return std::nullopt;
}

Json read_lock(const std::filesystem::path& path) {
  const auto file = ReadFile::open(path, ErrorCode::kUsage);
  const std::string where = path.string();
  if (file->size_bytes() > kLargestLock)
    throw Error(ErrorCode::kUsage, "is larger than 256 MiB, which no lock file is", where);
  std::string text(file->size_bytes(), '\0');
  file->read(0, std::as_writable_bytes(std::span(text)));
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("schema")) {
    throw Error(ErrorCode::kUsage, "is not a lock file; `vetquant plan MODEL --lock FILE` makes one", where);
  }
  if (json["schema"] != kSchema) {
    throw Error(
        ErrorCode::kUsage,
        "has the schema " + short_value(json["schema"]) + ", this version reads " + kSchema + "; make the lock anew",
        where);
  }
  return json;
}

void check_same_model(const Json& locked, const Model& model, const std::string& digest, const std::string& lock) {
  const uint64_t bytes = locked.at("bytes");
  if (bytes == model.total_bytes() && locked.at("xxh3_128") == digest) return;
  std::string how = bytes == model.total_bytes()
                        ? "its contents differ"
                        : "it had " + std::to_string(bytes) + " bytes, has " + std::to_string(model.total_bytes());
  throw Error(
      ErrorCode::kUsage,
      model.path().string() + " is not the model that was locked (" + how + "); look at its plan and lock it anew",
      lock);
}

Prepared prepare_from_json(Request request, const Json& json, const std::string& lock) {
  if (request.target || !request.shapes.empty() || !request.profile_on.empty()) {
    throw Error(ErrorCode::kUsage, "the lock fixes target and shapes; leave --target, --shape and --profile-on out",
                lock);
  }
  std::vector<ShapeBinding> seen;
  for (const Json& shape : json.at("shapes")) {
    auto& shapes = shape.value("seen", false) ? seen : request.shapes;
    shapes.push_back({shape.at("input"), shape.at("shape").get<Shape>()});
  }
  Policy policy = policy_from(json.at("policy"), lock);
  const Json& target_json = json.at("target");
  TargetProfile target = parse_target(text_of(target_json.at("text")), lock);
  target.name = target_json.at("name");
  target.digest = target_json.at("digest");
  request.policy = policy.name;
  if (request.calibration.empty() && json.contains("ranges")) request.statistics = statistics_from(json.at("ranges"));
  if (json.contains("self_check")) request.self_checked = self_check_from(json.at("self_check"));
  const Source source = load_source(request.model);
  const std::string digest = source.model->digest();
  check_same_model(json.at("model"), *source.model, digest, lock);
  Prepared p = prepare_from(request, source, std::move(policy), std::move(target), digest, std::move(seen));
  // Through text, as the locked ones went: names that are not UTF-8 must compare equal.
  if (const auto difference = first_difference(json.at("decisions"), Json::parse(dumped(decisions_json(p))))) {
    throw Error(ErrorCode::kUsage,
                "a decision differs: " + *difference + " (locked by vetquant " +
                    json.at("vetquant").get<std::string>() + ", this is " + kVersion +
                    "); compare `vetquant plan` with the lock and lock anew",
                lock);
  }
  return p;
}

// A shape of samples leaves its input open; one that was asked for does not.
bool is_open_input(const Prepared& p, const std::string& input) {
  const ValueId id = p.index->find_value(input);
  if (!id.valid()) return false;  // the name of a dimension
  const Shape shape = infer_types(*p.index)[static_cast<size_t>(id.value)].shape;
  return std::any_of(shape.begin(), shape.end(), [](int64_t dim) { return dim < 0; });
}

}  // namespace

std::string make_lock(const Prepared& p) {
  Json shapes = Json::array();
  for (const ShapeBinding& shape : p.request.shapes) {
    shapes.push_back({{"input", shape.input}, {"shape", shape.shape}});
    if (is_open_input(p, shape.input)) shapes.back()["seen"] = true;
  }
  Json json = {
      {"schema", kSchema},
      {"vetquant", kVersion},
      {"model",
       {{"file", p.request.model.filename().string()},
        {"bytes", p.model->total_bytes()},
        {"xxh3_128", p.model->digest()}}},
      {"policy", policy_json(p.policy)},
      {"target", {{"name", p.target.name}, {"digest", p.target.digest}, {"text", lines_of(p.target.text)}}},
      {"shapes", std::move(shapes)},
      {"decisions", decisions_json(p)},
  };
  if (p.statistics != nullptr) json["ranges"] = ranges_json(*p.statistics);
  if (p.policy.self_check) json["self_check"] = self_check_json(p.self_checked);
  return dumped(json);
}

Prepared prepare_locked(const Request& request, const std::filesystem::path& lock) {
  const std::string where = lock.string();
  const Json json = read_lock(lock);
  try {
    return prepare_from_json(request, json, where);
  } catch (const Json::exception&) {
    throw Error(ErrorCode::kUsage, "is damaged: something that a lock holds is missing or of another kind; lock anew",
                where);
  }
}

}  // namespace vetquant
