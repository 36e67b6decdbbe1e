// vetquant presets: the policies that come with the program; `presets NAME > my.yaml` is where an own one begins.
#include "commands.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"
#include "vetquant/policy/policy.h"

namespace vetquant::cli {
namespace {

using Json = nlohmann::ordered_json;

const Preset& preset_of(const std::string& name) {
  std::vector<std::string> known;
  for (const Preset& preset : presets()) {
    if (preset.name == name) return preset;
    known.push_back(preset.name);
  }
  const std::string nearest = nearest_word(name, known);
  throw Error(ErrorCode::kUsage,
              "no preset is called so" + (nearest.empty() ? std::string("; `vetquant presets` lists them")
                                                          : "; did you mean '" + nearest + "'?"),
              printable(name));
}

}  // namespace

Run add_presets(CLI::App& app, const Globals& globals) {
  CLI::App* command = app.add_subcommand("presets", "List the policies that come with vetquant, or print one");
  const auto name = std::make_shared<std::string>();
  command->add_option("NAME", *name, "Print this preset's policy file");
  return [name, &globals] {
    if (!name->empty()) {
      const Preset& preset = preset_of(*name);
      answer(
          globals,
          {{"schema", "vetquant.preset/1"}, {"name", preset.name}, {"summary", preset.summary}, {"text", preset.text}},
          preset.text);
      return 0;
    }
    std::vector<std::pair<std::string, std::string>> lines;
    Json list = Json::array();
    for (const Preset& preset : presets()) {
      lines.emplace_back(preset.name, preset.summary);
      list.push_back({{"name", preset.name}, {"summary", preset.summary}});
    }
    answer(globals, {{"schema", "vetquant.presets/1"}, {"presets", list}}, definitions(lines));
    return 0;
  };
}

}  // namespace vetquant::cli
