#include "conflicts.h"

#include <algorithm>
#include <set>

#include "shared_forms.h"
#include "vetquant/core/text.h"

namespace vetquant::plan {
namespace {

// More is finer: what a lenient policy lets win.
int fineness(const Choice& choice) {
  if (choice.form == Form::kKeep) return 32;
  return bits_of(choice.stored_type);
}

class Unifier {
 public:
  Unifier(const Decider& decider, std::vector<Choice>& choices, std::vector<std::string>& notes)
      : decider_(decider), context_(decider.context()), survey_(context_.survey), choices_(choices), notes_(notes) {}

  std::vector<Group> run() {
    std::vector<Group> result;
    for (const Group& group : tied_groups()) {
      if (is_one_content(group)) {
        unify_content(group);
        result.push_back(group);
      } else if (unify_copies(group)) {
        result.push_back(group);
      } else {
        for (const Group& part : parts_of(group)) {
          unify_content(part);
          result.push_back(part);
        }
      }
    }
    return result;
  }

 private:
  const Site& site(const Group::Member& member) const { return survey_.sites[static_cast<size_t>(member.site)]; }
  Choice& choice(const Group::Member& member) { return choices_[static_cast<size_t>(member.site)]; }
  bool apart() const { return context_.policy.tensors.tied == Tied::kApart; }

  std::vector<Group> tied_groups() const {
    std::vector<Group> groups(survey_.contents.size());
    for (size_t i = 0; i < survey_.contents.size(); ++i) {
      const Content& content = survey_.contents[i];
      const bool joins = content.tied_to >= 0 && !apart();
      const size_t root = joins ? static_cast<size_t>(content.tied_to) : i;
      groups[root].content = static_cast<int>(root);
      for (int number : content.sites) {
        const bool swapped = survey_.sites[static_cast<size_t>(number)].swapped != (joins && content.tied_swapped);
        groups[root].members.push_back({number, swapped});
      }
    }
    std::erase_if(groups, [](const Group& group) { return group.members.empty(); });
    for (Group& group : groups) {
      std::sort(group.members.begin(), group.members.end(),
                [](const auto& a, const auto& b) { return a.site < b.site; });
    }
    return groups;
  }

  bool is_one_content(const Group& group) const {
    return std::all_of(group.members.begin(), group.members.end(),
                       [&](const Group::Member& member) { return site(member).content == group.content; });
  }

  std::vector<Group> parts_of(const Group& group) const {
    std::vector<Group> parts;
    for (const Group::Member& member : group.members) {
      const int content = site(member).content;
      auto part =
          std::find_if(parts.begin(), parts.end(), [&](const Group& other) { return other.content == content; });
      if (part == parts.end()) part = parts.insert(parts.end(), Group{.content = content, .members = {}});
      part->members.push_back({member.site, site(member).swapped});
    }
    return parts;
  }

  bool all_equal(const Group& group) {
    std::set<std::string> keys;
    for (const Group::Member& member : group.members) keys.insert(storage_key(site(member), member, choice(member)));
    return keys.size() <= 1;
  }

  // Copies that the exporter wrote twice: one result where the wishes agree, else they stay two.
  bool unify_copies(const Group& group) {
    for (const Group& part : parts_of(group)) {
      if (!survey_.contents[static_cast<size_t>(part.content)].stays_float.empty()) return false;
    }
    if (all_equal(group)) return true;
    const auto [low, high] =
        std::minmax_element(group.members.begin(), group.members.end(),
                            [&](const auto& a, const auto& b) { return fineness(choice(a)) < fineness(choice(b)); });
    if (fineness(choice(*low)) == fineness(choice(*high)) && share(group)) return true;
    // One tensor of the finer codes is smaller than the finer and the coarser one together.
    const bool codes = choice(*low).form != Form::kKeep && !is_half(choice(*low).form) &&
                       choice(*high).form != Form::kKeep && !is_half(choice(*high).form);
    if (codes && context_.policy.on_unsupported != OnUnsupported::kError) {
      settle_precision(group);
      if (all_equal(group) || share(group)) return true;
    }
    if (choice(*high).form == Form::kKeep && choice(*low).form == Form::kKeep) return true;
    notes_.push_back(name_of_group(group) + ": tied copies are stored apart, as " + wish_text(*low) + " and " +
                     wish_text(*high));
    return false;
  }

  std::string name_of_group(const Group& group) const {
    std::string text;
    for (const Group& part : parts_of(group)) text += (text.empty() ? "" : ", ") + site(part.members[0]).name;
    return text;
  }

  std::string wish_text(const Group::Member& member) {
    const Choice& chosen = choice(member);
    const std::string what = chosen.form == Form::kKeep
                                 ? "float"
                                 : std::string(name_of(chosen.stored_type)) + " " + std::string(name_of(chosen.form));
    return what + " for " + context_.index.node(site(member).node).address + " (" + chosen.reason.rule + ")";
  }

  // One stored tensor.
  void unify_content(const Group& group) {
    const Content& content = survey_.contents[static_cast<size_t>(group.content)];
    if (!content.stays_float.empty())
      return keep_all(group, "the file holds it as float anyway: " + content.stays_float);
    if (all_equal(group)) return;
    if (apart()) return note_apart(group, "tied: apart");
    settle_precision(group);
    if (all_equal(group) || share(group)) return;
    forms_conflict(group);
  }

  void keep_all(const Group& group, const std::string& text) {
    for (const Group::Member& member : group.members) {
      Choice& chosen = choice(member);
      if (chosen.form == Form::kKeep) continue;
      chosen.form = Form::kKeep;
      chosen.reason.text = text;
    }
  }

  void settle_precision(const Group& group) {
    const auto [low, high] =
        std::minmax_element(group.members.begin(), group.members.end(),
                            [&](const auto& a, const auto& b) { return fineness(choice(a)) < fineness(choice(b)); });
    if (fineness(choice(*low)) == fineness(choice(*high)) && choice(*low).stored_type == choice(*high).stored_type)
      return;
    const Group::Member winner = *high;
    if (context_.policy.on_unsupported == OnUnsupported::kError && is_wished(choice(*low)) &&
        is_wished(choice(winner))) {
      throw Error(ErrorCode::kUsage,
                  "one tensor, two wishes: " + site(winner).name + " is to be " + wish_text(winner) + " and " +
                      wish_text(*low) + " at " + choice(*low).reason.position.text() +
                      "; make the rules agree, or say `tensors: {tied: apart}`",
                  choice(winner).reason.position.text());
    }
    if (choice(winner).form == Form::kKeep) {
      return keep_all(group, "stays float, as " + context_.index.node(site(winner).node).address +
                                 " reads the same tensor and keeps it: " + choice(winner).reason.text);
    }
    const Wish wish = wish_of(choice(winner));
    for (const Group::Member& member : group.members) {
      if (choice(member).stored_type == choice(winner).stored_type) continue;
      std::variant<Choice, Obstacle> result = decider_.attempt(site(member), wish, {});
      if (auto* better = std::get_if<Choice>(&result)) {
        better->reason.text +=
            "; as finely as " + context_.index.node(site(winner).node).address + " wants the same tensor";
        choice(member) = std::move(*better);
      }
    }
  }

  // A wish for float that comes from a rule or the defaults, not from what the weight is.
  static bool is_wished(const Choice& chosen) {
    return chosen.form != Form::kKeep || chosen.use.keep || chosen.use.weights == DType::kFloat32;
  }

  Wish wish_of(const Choice& chosen) const { return decider_.book().wish_of(chosen.rule); }

  bool share(const Group& group) {
    for (const SharedForms attempt : {SharedForms::kBlocks, SharedForms::kFolded}) {
      std::optional<std::vector<Choice>> shared = shared_choices(decider_, group, choices_, attempt);
      if (!shared) continue;
      for (size_t i = 0; i < group.members.size(); ++i) choice(group.members[i]) = std::move((*shared)[i]);
      if (all_equal(group)) return true;
    }
    return false;
  }

  void forms_conflict(const Group& group) {
    const Group::Member& first = group.members[0];
    const std::string key = storage_key(site(first), first, choice(first));
    const auto other = std::find_if(group.members.begin(), group.members.end(), [&](const Group::Member& member) {
      return storage_key(site(member), member, choice(member)) != key;
    });
    const bool named = choice(first).form_named && other != group.members.end() && choice(*other).form_named;
    if (named && context_.policy.on_unsupported == OnUnsupported::kError) {
      throw Error(ErrorCode::kUsage,
                  "one tensor, two forms: " + site(first).name + " is to be " + wish_text(first) + " and " +
                      wish_text(*other) + " at " + choice(*other).reason.position.text() +
                      "; make the rules agree, or say `tensors: {tied: apart}`",
                  choice(first).reason.position.text());
    }
    note_apart(group, "no form serves all its uses");
  }

  void note_apart(const Group& group, const std::string& why) {
    std::set<std::string> keys;
    std::string text;
    for (const Group::Member& member : group.members) {
      if (!keys.insert(storage_key(site(member), member, choice(member))).second) continue;
      text += (text.empty() ? "" : ", ") + wish_text(member);
    }
    notes_.push_back(site(group.members[0]).name + " is stored " + std::to_string(keys.size()) + " times (" + why +
                     "): " + text);
  }

  const Decider& decider_;
  const FormContext& context_;
  const Survey& survey_;
  std::vector<Choice>& choices_;
  std::vector<std::string>& notes_;
};

std::string text_of(const ScaleLayout& layout) {
  std::string text;
  for (int axis : layout.channel_axes) text += std::to_string(axis) + ",";
  return text + "/" + std::to_string(layout.block_axis) + "/" + std::to_string(layout.block_size);
}

}  // namespace

ScaleLayout swapped_layout(const ScaleLayout& layout, int rank) {
  const auto swapped = [&](int axis) { return axis == rank - 1 ? rank - 2 : axis == rank - 2 ? rank - 1 : axis; };
  ScaleLayout result = layout;
  for (int& axis : result.channel_axes) axis = swapped(axis);
  std::sort(result.channel_axes.begin(), result.channel_axes.end());
  if (layout.block_axis >= 0) result.block_axis = swapped(layout.block_axis);
  return result;
}

std::string storage_key(const Site& site, const Group::Member& member, const Choice& choice) {
  if (choice.form == Form::kKeep) return "keep";
  const std::string type(name_of(choice.stored_type));
  if (is_half(choice.form)) return "half " + type;
  const bool blocks = choice.form == Form::kMatMulNBits || choice.form == Form::kGatherBlock;
  const bool swapped = member.swapped != choice.placement.swap;
  const int rank = static_cast<int>(site.view.shape().size());
  const ScaleLayout layout = swapped ? swapped_layout(choice.placement.layout, rank) : choice.placement.layout;
  std::string key = (blocks ? "blocks" : std::string(name_of(choice.form))) + " " + type + " " + text_of(layout);
  if (!is_storage_only(choice.form)) key += swapped ? " swapped" : " straight";
  const QuantSpec& spec = choice.spec;
  key += " " + std::to_string(static_cast<int>(spec.symmetry)) + std::to_string(static_cast<int>(spec.range)) +
         std::to_string(static_cast<int>(spec.zero_point)) + std::to_string(static_cast<int>(spec.scale_type)) + " " +
         spec.algorithm;
  return key;
}

std::vector<Group> unify(const Decider& decider, std::vector<Choice>& choices, std::vector<std::string>& notes) {
  return Unifier(decider, choices, notes).run();
}

}  // namespace vetquant::plan
