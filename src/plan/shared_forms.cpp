#include "shared_forms.h"

#include <onnx/onnx_pb.h>

#include <algorithm>

namespace vetquant::plan {
namespace {

class Sharing {
 public:
  Sharing(const Decider& decider, const Group& group, const std::vector<Choice>& choices)
      : decider_(decider), context_(decider.context()), group_(group), choices_(choices) {}

  std::optional<std::vector<Choice>> blocks() const {
    const Group::Member* master = nullptr;
    for (const Group::Member& member : group_.members) {
      const SiteKind kind = site(member).kind;
      const bool table = kind == SiteKind::kTable;
      if (!table && kind != SiteKind::kMatMulB && kind != SiteKind::kGemmB) return std::nullopt;
      if (asks_for_another(member, table ? FormChoice::kGatherBlock : FormChoice::kMatMulNBits)) return std::nullopt;
      const Form form = chosen(member).form;
      const bool leads = form == Form::kMatMulNBits || (form == Form::kGatherBlock && master == nullptr);
      if (leads && (master == nullptr || chosen(*master).form != Form::kMatMulNBits)) master = &member;
    }
    if (master == nullptr) master = product_or_first();
    const std::optional<Use> lead = lead_use(*master);
    if (!lead) return std::nullopt;
    return with_block(*lead, lead->block.value_or(32));
  }

  std::optional<std::vector<Choice>> folded() const {
    std::vector<Choice> result;
    for (const Group::Member& member : group_.members) {
      if (asks_for_another(member, FormChoice::kFoldAtLoad)) return std::nullopt;
      Wish wish{.use = chosen(member).use, .rule = chosen(member).rule};
      if (wish.use.scales != chosen(group_.members[0]).use.scales)
        wish.use.scales = chosen(group_.members[0]).use.scales;
      wish.use.symmetric = chosen(group_.members[0]).use.symmetric;
      wish.use.algorithm = chosen(group_.members[0]).use.algorithm;
      wish.use.range = chosen(group_.members[0]).use.range;
      std::variant<Choice, Obstacle> attempt = decider_.attempt_form(site(member), wish, FormChoice::kFoldAtLoad);
      auto* choice = std::get_if<Choice>(&attempt);
      if (choice == nullptr) return std::nullopt;
      if (!result.empty()) choice->placement.layout = layout_like(result[0], group_.members[0], member);
      choice->reason.text = "several kinds of uses: folded to float at load, stored once";
      result.push_back(std::move(*choice));
    }
    return result;
  }

 private:
  const Site& site(const Group::Member& member) const {
    return context_.survey.sites[static_cast<size_t>(member.site)];
  }
  const Choice& chosen(const Group::Member& member) const { return choices_[static_cast<size_t>(member.site)]; }

  // Named another form, or tensor-wide dynamic activations, which only one form gives.
  bool asks_for_another(const Group::Member& member, FormChoice form) const {
    const Choice& choice = chosen(member);
    if (choice.form == Form::kKeep || is_half(choice.form)) return true;
    if (choice.form_named) return choice.form != form_of(form);
    return choice.form == Form::kDynamicInteger && choice.use.activations == Activations::kDynamic;
  }

  const Group::Member* product_or_first() const {
    for (const Group::Member& member : group_.members) {
      if (site(member).kind != SiteKind::kTable) return &member;
    }
    return &group_.members[0];
  }

  // What is asked of the shared tensor: the leading use's own keys where it has a block form, else the target's.
  std::optional<Use> lead_use(const Group::Member& master) const {
    const Choice& choice = chosen(master);
    Use use = choice.use;
    if (choice.form == Form::kMatMulNBits || choice.form == Form::kGatherBlock) {
      use.block = choice.placement.layout.block_size;
    } else {
      const FormChoice form =
          site(master).kind == SiteKind::kTable ? FormChoice::kGatherBlock : FormChoice::kMatMulNBits;
      const FormPreference* row = decider_.row_for(site(master), use, form);
      if (row == nullptr) return std::nullopt;
      const Use own = decider_.book().wish_of(choice.rule).use;
      use = Decider::filled_in(site(master), own, *row);
    }
    use.granularity = Granularity::kBlock;
    return use;
  }

  std::optional<std::vector<Choice>> with_block(const Use& lead, int64_t block) const {
    std::vector<Choice> result;
    for (const Group::Member& member : group_.members) {
      const bool table = site(member).kind == SiteKind::kTable;
      const FormChoice form = table ? FormChoice::kGatherBlock : FormChoice::kMatMulNBits;
      // A product that the target would not give this form by itself would pay for it at every call.
      const bool at_home = chosen(member).form == form_of(form) || table;
      if (!at_home && decider_.row_for(site(member), chosen(member).use, form) == nullptr) return std::nullopt;
      Wish wish{.use = lead, .rule = chosen(member).rule};
      wish.use.activations = chosen(member).use.activations;
      wish.use.block = block;
      wish.block_hard = true;
      wish.use.accuracy_level = level_of(member, form);
      std::variant<Choice, Obstacle> attempt = decider_.attempt_form(site(member), wish, form);
      auto* choice = std::get_if<Choice>(&attempt);
      if (choice == nullptr) return std::nullopt;
      const bool as_before = chosen(member).form == form_of(form);
      choice->form_named = chosen(member).form_named;
      choice->reason.text = (as_before ? chosen(member).reason.text + "; " : std::string()) +
                            "one block tensor serves look-ups and products, block " + std::to_string(block);
      result.push_back(std::move(*choice));
    }
    return result;
  }

  std::optional<int> level_of(const Group::Member& member, FormChoice form) const {
    const Choice& choice = chosen(member);
    if (choice.use.accuracy_level || form != FormChoice::kMatMulNBits) return choice.use.accuracy_level;
    const FormPreference* row = decider_.row_for(site(member), choice.use, form);
    return row == nullptr ? std::nullopt : row->use.accuracy_level;
  }

  // The first member's layout as `member` has to ask for it (fold_at_load stores what the node sees).
  ScaleLayout layout_like(const Choice& first, const Group::Member& leader, const Group::Member& member) const {
    const int rank = static_cast<int>(site(member).view.shape().size());
    return leader.swapped == member.swapped ? first.placement.layout : swapped_layout(first.placement.layout, rank);
  }

  const Decider& decider_;
  const FormContext& context_;
  const Group& group_;
  const std::vector<Choice>& choices_;
};

}  // namespace

std::optional<std::vector<Choice>> shared_choices(const Decider& decider, const Group& group,
                                                  const std::vector<Choice>& choices, SharedForms attempt) {
  const Sharing sharing(decider, group, choices);
  return attempt == SharedForms::kBlocks ? sharing.blocks() : sharing.folded();
}

}  // namespace vetquant::plan
