// vetquant targets: the runtimes that vetquant knows, and what each of them can run.
#include "commands.h"
#include "vetquant/core/error.h"
#include "vetquant/core/text.h"
#include "vetquant/policy/target.h"

namespace vetquant::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string known_as(const ShippedTarget& target) {
  return target.name + (target.aliases.empty() ? "" : " (" + joined(target.aliases) + ")");
}

const ShippedTarget& target_of(const std::string& name) {
  std::vector<std::string> known;
  for (const ShippedTarget& target : shipped_targets()) {
    known.push_back(target.name);
    known.insert(known.end(), target.aliases.begin(), target.aliases.end());
    if (target.name == name) return target;
    for (const std::string& alias : target.aliases) {
      if (alias == name) return target;
    }
  }
  const std::string nearest = nearest_word(name, known);
  throw Error(ErrorCode::kUsage,
              "no target is called so" + (nearest.empty() ? std::string("; `vetquant targets` lists them")
                                                          : "; did you mean '" + nearest + "'?"),
              printable(name));
}

}  // namespace

Run add_targets(CLI::App& app, const Globals& globals) {
  CLI::App* command = app.add_subcommand("targets", "List the runtimes that vetquant knows, or print one's profile");
  const auto name = std::make_shared<std::string>();
  command->add_option("NAME", *name, "Print this target's profile");
  return [name, &globals] {
    if (!name->empty()) {
      const ShippedTarget& target = target_of(*name);
      answer(globals,
             {{"schema", "vetquant.target/1"},
              {"name", target.name},
              {"aliases", target.aliases},
              {"title", target.title},
              {"text", target.text}},
             target.text);
      return 0;
    }
    std::vector<std::pair<std::string, std::string>> lines;
    Json list = Json::array();
    for (const ShippedTarget& target : shipped_targets()) {
      lines.emplace_back(known_as(target), target.title);
      list.push_back({{"name", target.name}, {"aliases", target.aliases}, {"title", target.title}});
    }
    answer(globals, {{"schema", "vetquant.targets/1"}, {"targets", list}}, definitions(lines));
    return 0;
  };
}

}  // namespace vetquant::cli
