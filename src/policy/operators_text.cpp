#include "operators_text.h"

#include <algorithm>
#include <charconv>

#include "map_text.h"
#include "use_reader.h"
#include "vetquant/core/text.h"
#include "words.h"

namespace vetquant {
namespace {

constexpr int64_t kMostOpset = 1000, kMostRank = 64, kMostInputs = 1000;

std::vector<DType> read_types(const YamlValue& value, std::string_view what) {
  std::vector<DType> types;
  for (const YamlValue& item : value.list(what)) {
    const std::string name = item.text(what);
    const std::optional<DType> type = dtype_from_name(name);
    if (!type)
      item.fail("unknown type '" + name + "' in " + std::string(what) + "; write fp32, uint8, int64, bool, ...");
    types.push_back(*type);
  }
  return types;
}

std::vector<std::string> names(const std::vector<DType>& types) {
  std::vector<std::string> all;
  for (const DType type : types) all.emplace_back(name_of(type));
  return all;
}

// A key, which JSON writes in quotes.
int64_t input_number(const YamlValue& key) {
  const std::string text = key.text("input");
  int64_t number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0 || number > kMostInputs)
    key.fail("an input is a number from 0 to " + std::to_string(kMostInputs) + ", not '" + printable(text, 40) + "'");
  return number;
}

WeightSupport read_weights(const YamlValue& value) {
  const YamlMap map(value, "weights", words::kOperatorWeightKeys);
  WeightSupport weights;
  weights.types = read_types(map.need("types"), "types");
  if (const auto v = map.find("granularity")) {
    for (const YamlValue& item : v->list("granularity"))
      weights.granularity.push_back(static_cast<Granularity>(item.word("granularity", words::kGranularity)));
  }
  if (const auto v = map.find("symmetric"))
    weights.symmetric = static_cast<SymmetricWeights>(v->word("symmetric", words::kSymmetricWeights));
  return weights;
}

void read_types_of(const YamlMap& map, OperatorSupport& row) {
  if (const auto v = map.find("types")) row.types = read_types(*v, "types");
  if (const auto v = map.find("codes")) row.codes = read_types(*v, "codes");
  if (const auto v = map.find("symmetric_codes")) row.symmetric_codes = v->boolean("symmetric_codes");
  if (const auto v = map.find("weights")) row.weights = read_weights(*v);
  if (const auto v = map.find("data_input")) row.data_input = v->integer("data_input", 0, kMostInputs);
  if (const auto v = map.find("output_types")) row.output_types = read_types(*v, "output_types");
  if (const auto v = map.find("input_types")) {
    for (const auto& [input, types] : v->entries("input_types"))
      row.input_types[input_number(input)] = read_types(types, "input_types");
  }
}

void read_scales(const YamlMap& map, OperatorSupport& row) {
  if (const auto v = map.find("float_result")) row.float_result = v->boolean("float_result");
  if (const auto v = map.find("shared_scales")) row.shared_scales = v->boolean("shared_scales");
  const auto scales = map.find("output_scale");
  if (!scales) return;
  for (const auto& [type, fixed] : scales->entries("output_scale")) {
    const std::string_view name = words::kActivationTypes[type.word("type of codes", words::kActivationTypes)];
    const YamlMap values(fixed, "output_scale", words::kFixedScaleKeys);
    row.output_scale[*dtype_from_name(name)] = {
        .scale = values.need("scale").number("scale", 1e-30, 1e30),
        .zero_point = values.need("zero_point").integer("zero_point", -65536, 65536)};
  }
}

std::optional<int64_t> limit(const YamlMap& map, std::string_view key, int64_t least, int64_t most) {
  const auto value = map.find(key);
  return value ? std::optional(value->integer(key, least, most)) : std::nullopt;
}

bool names_one_of(const OperatorSupport& row, const std::string& op) {
  return std::find(row.ops.begin(), row.ops.end(), op) != row.ops.end();
}

std::string canonical(const WeightSupport& weights) {
  MapText map;
  map.add_list("types", names(weights.types));
  std::vector<std::string> granularity;
  for (const Granularity kind : weights.granularity)
    granularity.emplace_back(words::kGranularity[static_cast<size_t>(kind)]);
  map.add_list("granularity", granularity);
  if (weights.symmetric != SymmetricWeights::kNever)
    map.add("symmetric", std::string(words::kSymmetricWeights[static_cast<size_t>(weights.symmetric)]));
  return map.text();
}

void add_scales(const OperatorSupport& row, MapText& map) {
  if (row.float_result) map.add_flag("float_result", true);
  if (row.shared_scales) map.add_flag("shared_scales", true);
  if (row.output_scale.empty()) return;
  MapText scales;
  for (const auto& [type, fixed] : row.output_scale) {
    scales.add(name_of(type),
               "{scale: " + yaml_number(fixed.scale) + ", zero_point: " + std::to_string(fixed.zero_point) + "}");
  }
  map.add("output_scale", scales.text());
}

std::string canonical(const OperatorSupport& row) {
  MapText map;
  map.add_list("ops", row.ops);
  map.add_integer("min_opset", row.min_opset);
  map.add_integer("max_opset", row.max_opset);
  map.add_list("types", names(row.types));
  map.add_list("codes", names(row.codes));
  if (row.symmetric_codes) map.add_flag("symmetric_codes", true);
  if (row.weights) map.add("weights", canonical(*row.weights));
  if (row.data_input != 0) map.add("data_input", std::to_string(row.data_input));
  MapText inputs;
  for (const auto& [input, types] : row.input_types) inputs.add(std::to_string(input), MapText::list(names(types)));
  if (!row.input_types.empty()) map.add("input_types", inputs.text());
  map.add_list("output_types", names(row.output_types));
  map.add_integer("min_rank", row.min_rank);
  map.add_integer("max_rank", row.max_rank);
  std::string constants;
  for (const int64_t input : row.constant_inputs) constants += (constants.empty() ? "" : ", ") + std::to_string(input);
  if (!constants.empty()) map.add("constant_inputs", "[" + constants + "]");
  MapText attributes;
  for (const auto& [name, values] : row.attributes) attributes.add(yaml_text(name), MapText::list(values));
  if (!row.attributes.empty()) map.add("attributes", attributes.text());
  map.add_list("after", row.after);
  if (row.fixed_shapes) map.add_flag("fixed_shapes", *row.fixed_shapes);
  add_scales(row, map);
  if (!row.advice.empty()) map.add("advice", yaml_text(row.advice));
  map.add("source", yaml_text(row.source));
  return map.text();
}

}  // namespace

Accelerator read_accelerator(const YamlValue& value) {
  const YamlMap map(value, "accelerator", words::kAcceleratorKeys);
  Accelerator accelerator;
  accelerator.name = map.need("name").text("name");
  if (const auto v = map.find("cpu_fallback")) accelerator.cpu_fallback = v->boolean("cpu_fallback");
  if (const auto v = map.find("fixed_shapes")) accelerator.fixed_shapes = v->boolean("fixed_shapes");
  if (const auto v = map.find("open_batch")) accelerator.open_batch = v->boolean("open_batch");
  if (const auto v = map.find("subgraphs")) accelerator.subgraphs = v->boolean("subgraphs");
  if (const auto v = map.find("border_pairs"))
    accelerator.border_pairs_on_cpu = v->word("border_pairs", words::kBorderPairs) == 1;
  accelerator.max_rank = limit(map, "max_rank", 1, kMostRank);
  accelerator.max_dim = limit(map, "max_dim", 1, int64_t{1} << 40);
  accelerator.source = map.need("source").text("source");
  return accelerator;
}

OperatorSupport read_operator(const YamlValue& value) {
  const YamlMap map(value, "operator", words::kOperatorKeys);
  OperatorSupport row;
  row.position = value.position();
  row.ops = read_globs(map.need("ops"), "ops");
  row.min_opset = limit(map, "min_opset", 1, kMostOpset);
  row.max_opset = limit(map, "max_opset", 1, kMostOpset);
  read_types_of(map, row);
  row.min_rank = limit(map, "min_rank", 0, kMostRank);
  row.max_rank = limit(map, "max_rank", 0, kMostRank);
  if (const auto v = map.find("constant_inputs")) {
    for (const YamlValue& item : v->list("constant_inputs"))
      row.constant_inputs.push_back(item.integer("input", 0, kMostInputs));
  }
  if (const auto v = map.find("attributes")) {
    for (const auto& [name, values] : v->entries("attributes"))
      row.attributes[name.text("attribute")] = values.texts("values of an attribute");
  }
  read_scales(map, row);
  if (const auto v = map.find("after")) row.after = read_globs(*v, "after");
  if (const auto v = map.find("fixed_shapes")) row.fixed_shapes = v->boolean("fixed_shapes");
  if (const auto v = map.find("advice")) row.advice = v->text("advice");
  row.source = map.need("source").text("source");
  if (row.types.empty() && row.codes.empty())
    value.fail("an operator needs `types`, `codes` or both: in what is it taken?");
  return row;
}

std::vector<OperatorSupport> extended_operators(std::vector<OperatorSupport> own,
                                                const std::vector<OperatorSupport>& inherited) {
  const size_t count = own.size();
  for (OperatorSupport row : inherited) {
    std::erase_if(row.ops, [&](const std::string& op) {
      return std::any_of(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(count),
                         [&](const OperatorSupport& mine) { return names_one_of(mine, op); });
    });
    if (!row.ops.empty()) own.push_back(std::move(row));
  }
  return own;
}

std::string support_text(const TargetSupport& support) {
  std::string text;
  if (support.status != ProfileStatus::kMeasured) text += "status: " + std::string(name_of(support.status)) + "\n";
  if (support.accelerator == nullptr) return text;
  const Accelerator& accelerator = *support.accelerator;
  MapText map;
  map.add("name", yaml_text(accelerator.name));
  map.add_flag("cpu_fallback", accelerator.cpu_fallback);
  map.add_flag("fixed_shapes", accelerator.fixed_shapes);
  if (accelerator.open_batch) map.add_flag("open_batch", true);
  map.add_flag("subgraphs", accelerator.subgraphs);
  if (accelerator.border_pairs_on_cpu) map.add("border_pairs", "cpu");
  map.add_integer("max_rank", accelerator.max_rank);
  map.add_integer("max_dim", accelerator.max_dim);
  map.add("source", yaml_text(accelerator.source));
  text += "accelerator: " + map.text() + "\n";
  if (!accelerator.operators.empty()) text += "operators:\n";
  for (const OperatorSupport& row : accelerator.operators) text += "  - " + canonical(row) + "\n";
  return text;
}

}  // namespace vetquant
