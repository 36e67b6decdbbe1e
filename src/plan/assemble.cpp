#include "assemble.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>

#include "expectation.h"
#include "rows.h"
#include "sizes.h"

namespace vetquant::plan {
namespace {

class Assembler {
 public:
  Assembler(const FormContext& context, const std::vector<Choice>& choices, const std::vector<Group>& groups,
            Plan& plan)
      : context_(context), survey_(context.survey), choices_(choices), groups_(groups), plan_(plan) {}

  void run() {
    tensor_of_site_.assign(survey_.sites.size(), -1);
    for (const Group& group : groups_) add_tensors(group);
    in_order_of_use();
    add_nodes();
    add_kept();
  }

 private:
  const Site& site(int number) const { return survey_.sites[static_cast<size_t>(number)]; }
  const Choice& choice(int number) const { return choices_[static_cast<size_t>(number)]; }

  void add_tensors(const Group& group) {
    std::map<std::string, std::vector<Group::Member>> by_key;
    for (const Group::Member& member : group.members) {
      if (choice(member.site).form == Form::kKeep) continue;
      by_key[storage_key(site(member.site), member, choice(member.site))].push_back(member);
    }
    for (const auto& [key, members] : by_key) add_tensor(members);
  }

  void add_tensor(const std::vector<Group::Member>& members) {
    // A table's own copy lies row by row, as it will be stored.
    const auto table = std::find_if(members.begin(), members.end(), [&](const Group::Member& member) {
      return site(member.site).kind == SiteKind::kTable;
    });
    const Group::Member& lead = table != members.end() ? *table : members[0];
    const Site& first = site(lead.site);
    const Choice& chosen = choice(lead.site);
    PlannedTensor tensor;
    tensor.id = static_cast<int>(plan_.tensors.size());
    tensor.name = first.name;
    tensor.view = chosen.placement.swap ? last_two_swapped(first.view) : first.view;
    tensor.source_type = first.view.dtype();
    tensor.stored_type = chosen.stored_type;
    tensor.form = chosen.form;
    tensor.spec = chosen.spec;
    tensor.layout = chosen.placement.layout;
    tensor.elements = first.elements;
    tensor.reason = chosen.reason;
    const bool stored_swapped = lead.swapped != chosen.placement.swap;
    for (const Group::Member& member : members) {
      tensor.uses.push_back({.node = site(member.site).node,
                             .input = site(member.site).input,
                             .transposed = member.swapped != stored_swapped});
      tensor_of_site_[static_cast<size_t>(member.site)] = tensor.id;
      if (choice(member.site).form != tensor.form && is_half(tensor.form)) tensor.form = Form::kHalfStorage;
      if (choice(member.site).form == Form::kMatMulNBits) tensor.form = Form::kMatMulNBits;
    }
    add_copies(members, first.content, stored_swapped, tensor);
    if (tensor.form == Form::kMatMulNBits && chosen.form == Form::kGatherBlock &&
        tensor.reason.text.find("one block tensor") == std::string::npos) {
      tensor.reason.text += "; one block tensor serves look-ups and products";
    }
    tensor.bytes_before += source_bytes(tensor.view);
    tensor.bytes_after = is_half(tensor.form)
                             ? bytes_of(tensor.stored_type, tensor.elements)
                             : stored_bytes(tensor.form, tensor.view.shape(), tensor.spec, tensor.layout);
    plan_.tensors.push_back(std::move(tensor));
  }

  void add_copies(const std::vector<Group::Member>& members, int own_content, bool stored_swapped,
                  PlannedTensor& tensor) const {
    std::vector<int> done{own_content};
    for (const Group::Member& member : members) {
      const Site& copy = site(member.site);
      if (std::find(done.begin(), done.end(), copy.content) != done.end()) continue;
      done.push_back(copy.content);
      tensor.proven_equal.push_back(member.swapped != stored_swapped ? last_two_swapped(copy.view) : copy.view);
      tensor.bytes_before += source_bytes(copy.view);
    }
  }

  // Tensors in the order in which the model's nodes first use them.
  void in_order_of_use() {
    std::stable_sort(plan_.tensors.begin(), plan_.tensors.end(), [](const PlannedTensor& a, const PlannedTensor& b) {
      return std::pair(a.uses[0].node, a.uses[0].input) < std::pair(b.uses[0].node, b.uses[0].input);
    });
    std::vector<int> renumbered(plan_.tensors.size());
    for (size_t i = 0; i < plan_.tensors.size(); ++i) {
      renumbered[static_cast<size_t>(plan_.tensors[i].id)] = static_cast<int>(i);
      plan_.tensors[i].id = static_cast<int>(i);
    }
    for (int& tensor : tensor_of_site_) {
      if (tensor >= 0) tensor = renumbered[static_cast<size_t>(tensor)];
    }
  }

  void add_nodes() {
    for (const std::vector<int>& sites : survey_.sites_of_node) {
      const size_t begin = plan_.nodes.size();
      for (int number : sites) {
        if (choice(number).form == Form::kKeep) continue;
        const auto same = std::find_if(plan_.nodes.begin() + static_cast<std::ptrdiff_t>(begin), plan_.nodes.end(),
                                       [&](const PlannedNode& node) { return node.form == choice(number).form; });
        if (same == plan_.nodes.end()) {
          plan_.nodes.push_back(planned_node(number));
        } else {
          const int tensor = tensor_of_site_[static_cast<size_t>(number)];
          if (std::find(same->tensors.begin(), same->tensors.end(), tensor) == same->tensors.end())
            same->tensors.push_back(tensor);
        }
      }
    }
  }

  PlannedNode planned_node(int number) const {
    const Choice& chosen = choice(number);
    const Rows rows = rows_at(context_.index, survey_.types, site(number));
    PlannedNode node;
    node.node = site(number).node;
    node.form = chosen.form;
    node.tensors = {tensor_of_site_[static_cast<size_t>(number)]};
    node.accuracy_level = chosen.accuracy_level;
    node.reason = chosen.reason;
    node.cost = chosen.cost;
    node.rows = rows.unknown() ? -1 : rows.count;
    node.rows_at_least = !rows.unknown() && rows.at_least;
    node.expected_share = expected_share(context_.target.costs, site(number), chosen, rows);
    return node;
  }

  void add_kept() {
    for (size_t i = 0; i < survey_.sites.size(); ++i) {
      if (choices_[i].form != Form::kKeep) continue;
      const Site& kept = survey_.sites[i];
      const NodeInfo& node = context_.index.node(kept.node);
      plan_.kept.push_back(KeptWeight{.name = kept.name,
                                      .node = node.address,
                                      .op = qualified_op(*node.proto),
                                      .elements = kept.elements,
                                      .bytes = source_bytes(kept.view),
                                      .reason = choices_[i].reason});
    }
    plan_.kept.insert(plan_.kept.end(), survey_.kept.begin(), survey_.kept.end());
  }

  const FormContext& context_;
  const Survey& survey_;
  const std::vector<Choice>& choices_;
  const std::vector<Group>& groups_;
  Plan& plan_;
  std::vector<int> tensor_of_site_;
};

}  // namespace

void assemble(const FormContext& context, const std::vector<Choice>& choices, const std::vector<Group>& groups,
              Plan& plan) {
  Assembler(context, choices, groups, plan).run();
}

}  // namespace vetquant::plan
