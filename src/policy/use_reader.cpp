#include "use_reader.h"

#include <algorithm>
#include <charconv>

#include "vetquant/core/text.h"
#include "vetquant/policy/target.h"
#include "words.h"

namespace vetquant {
namespace {

constexpr int64_t kLargestBlock = int64_t{1} << 20;
constexpr size_t kLongestGlob = 1024;

DType dtype_word(const YamlValue& value, std::string_view what, words::Words known) {
  return *dtype_from_name(known[value.word(what, known)]);
}

void read_numbers(const YamlMap& map, Use& use) {
  if (const auto v = map.find("block")) use.block = v->integer("block", 1, kLargestBlock);
  if (const auto v = map.find("axis")) use.axis = v->integer("axis", -64, 63);
  if (const auto v = map.find("symmetric")) use.symmetric = v->boolean("symmetric");
  if (const auto v = map.find("activation_symmetric")) use.activation_symmetric = v->boolean("activation_symmetric");
  if (const auto v = map.find("accuracy_level"))
    use.accuracy_level = static_cast<int>(v->integer("accuracy_level", 0, 4));
}

void read_words(const YamlMap& map, Use& use) {
  if (const auto v = map.find("weights")) use.weights = dtype_word(*v, "type of weights", words::kWeights);
  if (const auto v = map.find("activations"))
    use.activations = static_cast<Activations>(v->word("kind of activations", words::kActivations));
  if (const auto v = map.find("activation_type"))
    use.activation_type = dtype_word(*v, "type of activations", words::kActivationTypes);
  if (const auto v = map.find("granularity"))
    use.granularity = static_cast<Granularity>(v->word("granularity", words::kGranularity));
  if (const auto v = map.find("range")) use.range = words::kRange[v->word("range", words::kRange)];
  if (const auto v = map.find("zero_point"))
    use.zero_point = words::kZeroPoint[v->word("kind of zero point", words::kZeroPoint)];
  if (const auto v = map.find("algorithm")) use.algorithm = v->text("algorithm");
  if (const auto v = map.find("form")) use.form = static_cast<FormChoice>(v->word("form", words::kForm));
  if (const auto v = map.find("scales")) use.scales = static_cast<ScaleType>(v->word("type of scales", words::kScales));
  if (const auto v = map.find("compute")) use.compute = dtype_word(*v, "type to compute in", words::kFloats);
  if (const auto v = map.find("helpers")) {
    for (const YamlValue& helper : v->list("helpers"))
      helper.fail("unknown helper '" + printable(helper.text("helper"), 60) + "'; this version has none");
  }
}

// Wishes that contradict each other within one `use`.
void check_use(const YamlMap& map, const Use& use) {
  if (use.block && use.granularity && *use.granularity != Granularity::kBlock) {
    map.find("granularity")
        ->fail("granularity '" + std::string(words::kGranularity[static_cast<size_t>(*use.granularity)]) +
               "' and a block exclude each other; remove one");
  }
  if (use.symmetric.value_or(false) && use.zero_point == "float") {
    map.find("zero_point")->fail("symmetric codes have no zero point; remove zero_point or write symmetric: false");
  }
  if (use.activations && *use.activations != Activations::kStatic) {
    for (const std::string_view key : {"activation_type", "activation_symmetric"}) {
      if (const auto v = map.find(key))
        v->fail(std::string(key) + " is for activations: static, not for " + std::string(name_of(*use.activations)));
    }
  }
  const bool codes = use.weights && bits_of(*use.weights) <= 8;
  if (use.compute && codes)
    map.find("compute")->fail("compute is for weights of fp16 and bf16, not for " + std::string(name_of(*use.weights)));
  if (!use.weights || codes) return;
  for (const std::string_view key :
       {"block", "granularity", "symmetric", "range", "zero_point", "algorithm", "accuracy_level", "scales"}) {
    if (const auto v = map.find(key))
      v->fail(std::string(key) + " is for integer weights, not for " + std::string(name_of(*use.weights)));
  }
}

}  // namespace

Use read_use(const YamlValue& value, std::string_view what) {
  Use use;
  if (value.is_scalar()) {
    constexpr std::string_view kKeep[] = {"keep"};
    value.word(std::string(what) + " (a map, or the word)", kKeep);
    use.keep = true;
    return use;
  }
  const YamlMap map(value, what, words::kUseKeys);
  read_words(map, use);
  read_numbers(map, use);
  check_use(map, use);
  if (use.weights == DType::kFloat32) use.keep = true;
  return use;
}

std::vector<DType> read_weight_types(const YamlValue& value) {
  std::vector<DType> types;
  if (!value.is_list()) return {dtype_word(value, "type of weights", words::kWeights)};
  for (const YamlValue& item : value.list("weights"))
    types.push_back(dtype_word(item, "type of weights", words::kWeights));
  return types;
}

std::vector<std::string> read_globs(const YamlValue& value, std::string_view what) {
  std::vector<std::string> globs = value.texts(what);
  for (const std::string& glob : globs) {
    if (glob.size() > kLongestGlob)
      value.fail(std::string(what) + " is longer than " + std::to_string(kLongestGlob) + " characters");
  }
  return globs;
}

Use layered(const Use& first, const Use& fallback) {
  if (first.keep) return first;
  Use use = first;
  use.keep = !first.weights && fallback.keep;
  const auto fill = [](auto& key, const auto& from) {
    if (!key) key = from;
  };
  fill(use.weights, fallback.weights);
  fill(use.activations, fallback.activations);
  fill(use.activation_type, fallback.activation_type);
  fill(use.activation_symmetric, fallback.activation_symmetric);
  // Granularity and block are one wish: the nearer layer's counts.
  if (!first.granularity && !first.block) {
    use.granularity = fallback.granularity;
    use.block = fallback.block;
  } else if (first.granularity == Granularity::kBlock) {
    fill(use.block, fallback.block);
  } else if (first.block) {
    use.granularity = Granularity::kBlock;
  }
  fill(use.axis, fallback.axis);
  fill(use.symmetric, fallback.symmetric);
  fill(use.range, fallback.range);
  if (!(first.symmetric.value_or(false) && fallback.zero_point == "float")) fill(use.zero_point, fallback.zero_point);
  fill(use.algorithm, fallback.algorithm);
  fill(use.form, fallback.form);
  fill(use.accuracy_level, fallback.accuracy_level);
  fill(use.scales, fallback.scales);
  fill(use.compute, fallback.compute);
  if (use.helpers.empty()) use.helpers = fallback.helpers;
  return use;
}

std::string to_string(const Use& use) {
  if (use.keep) return "keep";
  std::string text;
  const auto add = [&](std::string_view word) { text.append(text.empty() ? "" : " ").append(word); };
  if (use.weights) add(name_of(*use.weights));
  if (use.block) {
    add("block " + std::to_string(*use.block));
  } else if (use.granularity) {
    add("per " + std::string(words::kGranularity[static_cast<size_t>(*use.granularity)]));
  }
  if (use.axis) add("axis " + std::to_string(*use.axis));
  if (use.symmetric) add(*use.symmetric ? "symmetric" : "asymmetric");
  if (use.range && *use.range != "full") add(*use.range);
  if (use.zero_point == "float") add("float zero points");
  if (use.algorithm) add(*use.algorithm);
  if (use.activations) add("activations " + std::string(name_of(*use.activations)));
  if (use.activation_type) add("as " + std::string(name_of(*use.activation_type)));
  if (use.activation_symmetric) add(*use.activation_symmetric ? "(symmetric)" : "(asymmetric)");
  if (use.form) add(name_of(*use.form));
  if (use.accuracy_level) add("level " + std::to_string(*use.accuracy_level));
  if (use.scales) add("scales " + std::string(name_of(*use.scales)));
  if (use.compute) add("compute " + std::string(name_of(*use.compute)));
  return text;
}

std::string yaml_number(double value) {
  char buffer[32];
  return std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

std::string yaml_text(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append(1, '\\').append(1, c);
    } else if (byte < 0x20 || byte == 0x7F) {
      out.append("\\x").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    } else {
      out.append(1, c);
    }
  }
  return out + "\"";
}

std::string canonical(const Use& use) {
  if (use.keep) return "keep";
  std::string text;
  const auto add = [&](std::string_view key, const std::string& value) {
    text.append(text.empty() ? "" : ", ").append(key).append(": ").append(value);
  };
  if (use.weights) add("weights", std::string(name_of(*use.weights)));
  if (use.activations) add("activations", std::string(name_of(*use.activations)));
  if (use.activation_type) add("activation_type", std::string(name_of(*use.activation_type)));
  if (use.activation_symmetric) add("activation_symmetric", *use.activation_symmetric ? "true" : "false");
  if (use.granularity) add("granularity", std::string(words::kGranularity[static_cast<size_t>(*use.granularity)]));
  if (use.block) add("block", std::to_string(*use.block));
  if (use.axis) add("axis", std::to_string(*use.axis));
  if (use.symmetric) add("symmetric", *use.symmetric ? "true" : "false");
  if (use.range) add("range", *use.range);
  if (use.zero_point) add("zero_point", *use.zero_point);
  if (use.algorithm) add("algorithm", yaml_text(*use.algorithm));
  if (use.form) add("form", std::string(name_of(*use.form)));
  if (use.accuracy_level) add("accuracy_level", std::to_string(*use.accuracy_level));
  if (use.scales) add("scales", std::string(name_of(*use.scales)));
  if (use.compute) add("compute", std::string(name_of(*use.compute)));
  return "{" + text + "}";
}

std::string_view name_of(FormChoice form) { return words::kForm[static_cast<size_t>(form)]; }
std::string_view name_of(Activations activations) { return words::kActivations[static_cast<size_t>(activations)]; }

}  // namespace vetquant
