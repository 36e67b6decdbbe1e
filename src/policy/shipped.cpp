#include "shipped_texts.h"
#include "vetquant/policy/policy.h"
#include "vetquant/policy/target.h"

namespace vetquant {
namespace {

// The first comment block of a preset says what it is for.
std::string first_comment(std::string_view text) {
  std::string summary;
  while (text.starts_with('#')) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(1, end - 1);
    while (line.starts_with(' ')) line.remove_prefix(1);
    if (line.empty()) break;
    summary.append(summary.empty() ? "" : " ").append(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return summary;
}

// Names and titles stand in the first paragraph of each: to list them, or to find one, no whole profile is parsed.
std::vector<ShippedTarget> read_shipped_targets() {
  std::vector<ShippedTarget> all;
  for (const shipped::Text& shipped : shipped::targets()) {
    const std::string head(shipped.text.substr(0, shipped.text.find("\n\n")));
    const YamlValue root = parse_yaml(head, "target " + std::string(shipped.name));
    ShippedTarget target{std::string(shipped.name), {}, std::string(shipped.text), {}};
    for (const auto& [key, value] : root.entries("target profile")) {
      if (key.text("key") == "title") target.title = value.text("title");
      if (key.text("key") == "aliases") target.aliases = value.texts("aliases");
    }
    all.push_back(std::move(target));
  }
  return all;
}

}  // namespace

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = [] {
    std::vector<Preset> made;
    for (const shipped::Text& preset : shipped::presets()) {
      made.push_back({std::string(preset.name), first_comment(preset.text), std::string(preset.text)});
    }
    return made;
  }();
  return all;
}

const std::vector<ShippedTarget>& shipped_targets() {
  static const std::vector<ShippedTarget> all = read_shipped_targets();
  return all;
}

const std::string& policy_schema() {
  static const std::string text(shipped::policy_schema());
  return text;
}

}  // namespace vetquant
