#include "vetquant/pipeline/system.h"

#include <algorithm>
#include <charconv>

#include "vetquant/core/environment.h"
#include "vetquant/core/error.h"
#include "vetquant/core/hash.h"
#include "vetquant/core/text.h"
#include "vetquant/pipeline/pipeline.h"

namespace vetquant {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSystemKeys[] = {"version", "name", "target", "budget", "models"};
constexpr std::string_view kBudgetKeys[] = {"max_bytes", "max_share"};
constexpr std::string_view kPartKeys[] = {"model", "policy", "policies", "graphs", "test_set",
                                          "gates", "quick",  "sidecar",  "shapes"};
constexpr std::string_view kSidecars[] = {"auto", "always", "never"};  // in the order of Sidecar
constexpr int64_t kMostQuickSamples = 1'000'000;
constexpr size_t kLongestName = 100;

// "26 %", "26%", "26.5 %"
double share_of(const YamlValue& value) {
  std::string digits = value.is_scalar() ? value.text("max_share") : "";
  const bool has_sign = digits.ends_with('%');
  if (has_sign) digits.pop_back();
  while (digits.ends_with(' ')) digits.pop_back();
  double share = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), share);
  const bool good = has_sign && problem == std::errc() && end == digits.data() + digits.size() && share > 0;
  if (!good || share > 100) value.fail("max_share must be a share of the float models' bytes such as 26 %");
  return share;
}

SystemBudget budget_of(const YamlValue& value) {
  const YamlMap map(value, "budget", kBudgetKeys);
  SystemBudget budget;
  if (const auto bytes = map.find("max_bytes")) budget.max_bytes = bytes->bytes("max_bytes");
  if (const auto share = map.find("max_share")) budget.max_share_pct = share_of(*share);
  if (!budget.max_bytes && !budget.max_share_pct) value.fail("a budget needs max_bytes or max_share");
  return budget;
}

// Files are named after it.
std::string part_name(const YamlValue& key) {
  std::string name = key.text("a part's name");
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  const bool good = plain(name[0]) && name.size() <= kLongestName &&
                    std::all_of(name.begin(), name.end(), [&](char c) { return plain(c) || c == '-' || c == '.'; });
  if (!good)
    key.fail("'" + printable(name, 60) +
             "' cannot name a part, whose files are named after it; write letters, digits, " +
             "and _ - . after the first, at most " + std::to_string(kLongestName));
  return name;
}

fs::path path_of(const YamlValue& value, std::string_view what, const fs::path& folder) {
  try {
    return folder / with_variables(value.text(what));
  } catch (const Error& error) {
    if (!error.where().empty()) throw;
    value.fail(error.message());
  }
}

std::string preset_or_path(const YamlValue& value, const fs::path& folder) {
  const std::string written = value.text("policy");
  const auto& all = presets();
  const bool preset = std::any_of(all.begin(), all.end(), [&](const Preset& p) { return p.name == written; });
  const bool path = written.find_first_of("/.") != std::string::npos;
  return preset || !path ? written : path_of(value, "policy", folder).string();
}

std::string target_or_path(const std::string& written, const fs::path& folder) {
  return written.find_first_of("/.") == std::string::npos ? written : (folder / written).string();
}

WrittenGate gate_of(const YamlValue& value) {
  try {
    return {parse_gate(value.text("a gate")), value.position()};
  } catch (const Error& error) {
    if (error.where() == value.position().text()) throw;
    value.fail(error.where() + ": " + error.message());
  }
}

WrittenName graph_name(const YamlValue& value) {
  std::string name = value.text("a graph");
  if (name.find('/') != std::string::npos)
    value.fail("'" + printable(name, 60) + "' is no file of the model's folder itself; write its name alone");
  return {std::move(name), value.position()};
}

std::vector<ShapeBinding> shapes_of(const YamlValue& value) {
  constexpr int64_t kLargestDim = INT32_MAX;
  std::vector<ShapeBinding> shapes;
  for (const auto& [input, dims] : value.entries("shapes")) {
    ShapeBinding binding{input.text("an input"), {}};
    for (const YamlValue& dim : dims.list("a shape"))
      binding.shape.push_back(dim.integer("a dimension", 1, kLargestDim));
    shapes.push_back(std::move(binding));
  }
  return shapes;
}

void read_graphs(const YamlMap& map, const fs::path& folder, SystemPart& part) {
  if (const auto graphs = map.find("graphs")) {
    for (const YamlValue& graph : graphs->list("graphs")) part.graphs.push_back(graph_name(graph));
    if (part.graphs.empty())
      graphs->fail("graphs is an empty list; leave it out to take all .onnx files of the folder");
  }
  if (const auto policies = map.find("policies")) {
    for (const auto& [graph, policy] : policies->entries("policies"))
      part.policies.push_back({graph_name(graph), preset_or_path(policy, folder)});
  }
  if (const auto sidecar = map.find("sidecar"))
    part.sidecar = static_cast<Sidecar>(sidecar->word("sidecar", kSidecars));
  if (const auto shapes = map.find("shapes")) part.shapes = shapes_of(*shapes);
}

SystemPart part_of(const YamlValue& key, const YamlValue& value, const fs::path& folder) {
  SystemPart part;
  part.name = part_name(key);
  part.position = key.position();
  const YamlMap map(value, "model '" + part.name + "'", kPartKeys);
  part.model = path_of(map.need("model"), "model", folder);
  const auto policy = map.find("policy");
  part.policy = policy ? preset_or_path(*policy, folder) : kDefaultPolicy;
  read_graphs(map, folder, part);
  if (const auto set = map.find("test_set")) part.test_set = path_of(*set, "test_set", folder);
  if (const auto gates = map.find("gates")) {
    if (!part.test_set) gates->fail("gates need a test_set, on which the model is judged");
    for (const YamlValue& gate : gates->list("gates")) part.gates.push_back(gate_of(gate));
  }
  if (const auto quick = map.find("quick")) {
    if (!part.test_set) quick->fail("quick is a number of the test set's samples; name a test_set");
    part.quick = static_cast<size_t>(quick->integer("quick", 1, kMostQuickSamples));
  }
  return part;
}

}  // namespace

System parse_system(const std::string& text, const fs::path& path) {
  const YamlMap map(parse_yaml(text, path.string()), "the system", kSystemKeys);
  map.need("version").integer("version", 1, 1);
  System system;
  system.path = path;
  system.digest = digest_of(text);
  const fs::path folder = path.parent_path();
  const auto name = map.find("name");
  system.name = name ? name->text("name") : path.stem().string();
  if (const auto target = map.find("target")) system.target = target_or_path(target->text("target"), folder);
  if (const auto budget = map.find("budget")) system.budget = budget_of(*budget);
  const YamlValue models = map.need("models");
  for (const auto& [key, value] : models.entries("models")) system.parts.push_back(part_of(key, value, folder));
  if (system.parts.empty()) models.fail("models names no part; write NAME: {model: FILE.onnx, policy: int8}");
  return system;
}

System load_system(const fs::path& path) { return parse_system(read_small_file(path.string()), path); }

}  // namespace vetquant
